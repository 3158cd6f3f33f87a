import type { Preflight } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { bytes } from "./formats.ts";
import { Notice } from "./Notice.tsx";
import { ProblemNotice } from "./ProblemNotice.tsx";
import type { Checked } from "./usePreflight.ts";

interface Props {
  checked: Checked;
  onSkip(): void;
  onRemove(fileIds: readonly number[]): void;
}

/** A summary of the download before it starts: sizes, and missing files. */
export function PreflightCard({ checked, onSkip, onRemove }: Props) {
  const { preflight, problem, checking, retry } = checked;
  const text = texts.preflight;
  return (
    <section className="preflight" aria-busy={checking} aria-label={text.title}>
      <h3>{text.title}</h3>
      {problem && <ProblemNotice action="preflight" problem={problem} onRetry={retry} />}
      {!problem && preflight === null && <p className="empty">{checking ? text.checking : text.idle}</p>}
      {!problem && preflight !== null && <Figures preflight={preflight} />}
      {!problem && preflight !== null && preflight.missing.length > 0 && (
        <Missing preflight={preflight} onSkip={onSkip} onRemove={() => onRemove(preflight.missing)} />
      )}
    </section>
  );
}

function Figures({ preflight }: { preflight: Preflight }) {
  const { filesTotal, filesAvailable, totalBytes, kind } = preflight;
  const text = texts.preflight;
  return (
    <dl className="numbers">
      <div>
        <dt>{text.files}</dt>
        <dd>{text.available(filesAvailable, filesTotal)}</dd>
      </div>
      <div>
        <dt>{text.total}</dt>
        <dd>{bytes(totalBytes)}</dd>
      </div>
      <div>
        <dt>{text.bundle}</dt>
        <dd>
          {sizeOf(preflight)}
          {kind === "object" && <small>{text.object}</small>}
        </dd>
      </div>
    </dl>
  );
}

/** The size of a compressed bundle is known only once it is built, so there is an upper bound until then. */
function sizeOf({ resultBytes, resultBytesAtMost }: Preflight): string {
  if (resultBytes !== null) return bytes(resultBytes);
  return resultBytesAtMost === null ? "–" : texts.preflight.atMost(bytes(resultBytesAtMost));
}

function Missing({ preflight, onSkip, onRemove }: { preflight: Preflight; onSkip(): void; onRemove(): void }) {
  const text = texts.preflight;
  const missing = preflight.files.filter((file) => !file.available);
  const none = preflight.filesAvailable === 0;
  const what = none ? text.allMissing : preflight.wouldFail ? text.missingFail : text.missingSkip;
  const actions = (
    <>
      {preflight.wouldFail && !none && <Button onClick={onSkip}>{text.skip}</Button>}
      <Button onClick={onRemove}>{text.remove}</Button>
    </>
  );
  return (
    <Notice tone={preflight.wouldFail ? "bad" : "warn"} title={text.missing(missing.length)} actions={actions}>
      <p>{what}</p>
      <ul className="missing" tabIndex={0} aria-label={text.missing(missing.length)}>
        {missing.map((file) => (
          <li key={file.file_id}>
            <strong>{file.file_id}</strong> {file.name}
            {file.reason !== null && `: ${file.reason}`}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
