import { useId, useState } from "react";
import type { Job, Link } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { CopyButton } from "./CopyButton.tsx";
import { curlOf } from "./curls.ts";
import { bytes, count, duration, moment } from "./formats.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { nameOf } from "./names.ts";
import { useAction } from "./useAction.ts";
import { useSecondsUntil } from "./useNow.ts";

/** The result: what it is, how long it is there, and every way to get it. */
export function ReadyCard({ job, manager, onStarted }: ActionsProps) {
  const [link, setLink] = useState<Link | null>(null);
  const [busy, run] = useAction();
  const words = texts.ready;
  const fresh = async () => {
    const outcome = await run(() => manager.link(job.jobId));
    if (outcome?.ok) setLink(outcome.value);
  };
  return (
    <section className="card ready" aria-labelledby={`ready-${job.jobId}`}>
      <h2 id={`ready-${job.jobId}`}>{words.title}</h2>
      <p className="ready-name">{nameOf(job)}</p>
      <Facts job={job} />
      <JobActions job={job} manager={manager} onStarted={onStarted} />
      <p className="fine">{words.resumes}</p>
      <SkippedFiles job={job} />
      <div className="actions more">
        <CopyButton text={curlOf(manager.fileUrl(job.jobId), nameOf(job))}>{words.curl}</CopyButton>
        <Button kind="quiet" icon="link" busy={busy} onClick={fresh}>
          {busy ? words.preparing : words.link}
        </Button>
      </div>
      {link && <FreshLink link={link} />}
    </section>
  );
}

function Facts({ job }: { job: Job }) {
  const result = job.detail?.result;
  const words = texts.ready;
  const size = result?.size ?? job.size;
  const packed = job.filesTotal - job.filesOmitted;
  return (
    <dl className="ready-facts">
      <div>
        <dt>{words.size}</dt>
        <dd>{size === null ? "–" : <span title={`${count(size)} B`}>{bytes(size)}</span>}</dd>
      </div>
      <div>
        <dt>{words.files}</dt>
        <dd>{job.filesOmitted === 0 ? count(packed) : `${count(packed)} / ${count(job.filesTotal)}`}</dd>
      </div>
      <div>
        <dt>{words.expires}</dt>
        <dd>
          <Expiry until={job.bundleExpiresAt} />
        </dd>
      </div>
      {result?.checksum && (
        <div>
          <dt>{words.checksum}</dt>
          <dd>
            <code>
              {result.checksum.algorithm}:{result.checksum.value}
            </code>
          </dd>
        </div>
      )}
      {result?.sha256 && (
        <div className="wide">
          <dt>{words.sha256}</dt>
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

function FreshLink({ link }: { link: Link }) {
  const id = useId();
  const seconds = useSecondsUntil(link.expiresAt) ?? 0;
  const words = texts.ready;
  return (
    <div className="fresh-link">
      <label htmlFor={id}>{words.linkLabel}</label>
      <input id={id} readOnly value={link.url} onFocus={(event) => event.target.select()} />
      <CopyButton text={link.url}>{words.copyLink}</CopyButton>
      <p className="fine" role="timer" aria-live="off">
        {seconds === 0 ? words.linkOver : words.linkLives(duration(seconds))}
      </p>
    </div>
  );
}
