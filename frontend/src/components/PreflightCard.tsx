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

/** What the download comes to, before it starts. */
export function PreflightCard({ checked, onSkip, onRemove }: Props) {
  const { preflight, problem, asking, again } = checked;
  const words = texts.preflight;
  return (
    <section className="preflight" aria-busy={asking} aria-label={words.title}>
      <h3>{words.title}</h3>
      {problem && <ProblemNotice action="preflight" problem={problem} onAgain={again} />}
      {!problem && preflight === null && <p className="empty">{asking ? words.checking : words.idle}</p>}
      {!problem && preflight !== null && <Numbers preflight={preflight} />}
      {!problem && preflight !== null && preflight.missing.length > 0 && (
        <Missing preflight={preflight} onSkip={onSkip} onRemove={() => onRemove(preflight.missing)} />
      )}
    </section>
  );
}

function Numbers({ preflight }: { preflight: Preflight }) {
  const { filesTotal, filesAvailable, totalBytes, kind } = preflight;
  const words = texts.preflight;
  return (
    <dl className="numbers">
      <div>
        <dt>{words.files}</dt>
        <dd>{words.available(filesAvailable, filesTotal)}</dd>
      </div>
      <div>
        <dt>{words.total}</dt>
        <dd>{bytes(totalBytes)}</dd>
      </div>
      <div>
        <dt>{words.bundle}</dt>
        <dd>
          {sizeOf(preflight)}
          {kind === "object" && <small>{words.object}</small>}
        </dd>
      </div>
    </dl>
  );
}

/** Compressed bundles show their size only when they are made. */
function sizeOf({ resultBytes, resultBytesAtMost }: Preflight): string {
  if (resultBytes !== null) return bytes(resultBytes);
  return resultBytesAtMost === null ? "–" : texts.preflight.atMost(bytes(resultBytesAtMost));
}

function Missing({ preflight, onSkip, onRemove }: { preflight: Preflight; onSkip(): void; onRemove(): void }) {
  const words = texts.preflight;
  const missing = preflight.files.filter((file) => !file.available);
  const none = preflight.filesAvailable === 0;
  const what = none ? words.allMissing : preflight.wouldFail ? words.missingFail : words.missingSkip;
  const actions = (
    <>
      {preflight.wouldFail && !none && <Button onClick={onSkip}>{words.skip}</Button>}
      <Button onClick={onRemove}>{words.remove}</Button>
    </>
  );
  return (
    <Notice tone={preflight.wouldFail ? "bad" : "warn"} title={words.missing(missing.length)} actions={actions}>
      <p>{what}</p>
      <ul className="missing" tabIndex={0} aria-label={words.missing(missing.length)}>
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
