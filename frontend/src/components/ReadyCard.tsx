import { useId, useState } from "react";
import type { Job, Link } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { CopyButton } from "./CopyButton.tsx";
import { curlCommand } from "./curl.ts";
import { bytes, count, duration, moment } from "./formats.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { nameOf } from "./jobs.ts";
import { useAction } from "./useAction.ts";
import { useSecondsUntil } from "./useNow.ts";

/** The result: its facts, how long it is available, and every way to download it. */
export function ReadyCard({ job, manager, onStarted }: ActionsProps) {
  const [link, setLink] = useState<Link | null>(null);
  const [busy, run] = useAction();
  const text = texts.ready;
  const fetchLink = async () => {
    const outcome = await run(() => manager.link(job.jobId));
    if (outcome?.ok) setLink(outcome.value);
  };
  return (
    <section className="card ready" aria-labelledby={`ready-${job.jobId}`}>
      <h2 id={`ready-${job.jobId}`}>{text.title}</h2>
      <p className="ready-name">{nameOf(job)}</p>
      <Facts job={job} />
      <JobActions job={job} manager={manager} onStarted={onStarted} />
      <p className="fine">{text.resumes}</p>
      <SkippedFiles job={job} />
      <div className="actions more">
        <CopyButton text={curlCommand(manager.fileUrl(job.jobId), nameOf(job))}>{text.curl}</CopyButton>
        <Button kind="quiet" icon="link" busy={busy} onClick={fetchLink}>
          {busy ? text.preparing : text.link}
        </Button>
      </div>
      {link && <DirectLink link={link} />}
    </section>
  );
}

function Facts({ job }: { job: Job }) {
  const result = job.detail?.result;
  const text = texts.ready;
  const size = result?.size ?? job.size;
  const packed = job.filesTotal - job.filesOmitted;
  return (
    <dl className="ready-facts">
      <div>
        <dt>{text.size}</dt>
        <dd>{size === null ? "–" : <span title={`${count(size)} B`}>{bytes(size)}</span>}</dd>
      </div>
      <div>
        <dt>{text.files}</dt>
        <dd>{job.filesOmitted === 0 ? count(packed) : `${count(packed)} / ${count(job.filesTotal)}`}</dd>
      </div>
      <div>
        <dt>{text.expires}</dt>
        <dd>
          <Expiry until={job.bundleExpiresAt} />
        </dd>
      </div>
      {result?.checksum && (
        <div>
          <dt>{text.checksum}</dt>
          <dd>
            <code>
              {result.checksum.algorithm}:{result.checksum.value}
            </code>
          </dd>
        </div>
      )}
      {result?.sha256 && (
        <div className="wide">
          <dt>{text.sha256}</dt>
          <dd>
            <code>{result.sha256}</code>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Expiry({ until }: { until: string | null }) {
  const seconds = useSecondsUntil(until);
  if (until === null || seconds === null) return texts.ready.keeps;
  const text = seconds === 0 ? texts.ready.expired : duration(seconds);
  return (
    <time dateTime={until} title={moment(until)} role="timer" aria-live="off">
      {text}
    </time>
  );
}

function SkippedFiles({ job }: { job: Job }) {
  const omitted = job.detail?.result?.omitted ?? [];
  if (omitted.length === 0) return null;
  return (
    <details className="skipped-files">
      <summary>{texts.ready.skipped(omitted.length)}</summary>
      <ul>
        {omitted.map((file) => (
          <li key={file.fileId}>
            <strong>{file.name}</strong> ({file.fileId}): {file.reason}
          </li>
        ))}
      </ul>
      <p className="fine">{texts.ready.skippedHint}</p>
    </details>
  );
}

function DirectLink({ link }: { link: Link }) {
  const id = useId();
  const seconds = useSecondsUntil(link.expiresAt) ?? 0;
  const text = texts.ready;
  return (
    <div className="direct-link">
      <label htmlFor={id}>{text.linkLabel}</label>
      <input id={id} readOnly value={link.url} onFocus={(event) => event.target.select()} />
      <CopyButton text={link.url}>{text.copyLink}</CopyButton>
      <p className="fine" role="timer" aria-live="off">
        {seconds === 0 ? text.linkOver : text.linkLives(duration(seconds))}
      </p>
    </div>
  );
}
