import { useId } from "react";
import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { CopyButton } from "./CopyButton.tsx";
import { Expiry } from "./Expiry.tsx";
import { bytes, count, moment } from "./formats.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { JobMenu } from "./JobMenu.tsx";
import { fileNameOf } from "./jobs.ts";
import { Shares } from "./Shares.tsx";
import { VerifyFile } from "./VerifyFile.tsx";

/** The result: its facts, how long it is available, the link to share, and how to verify it. */
export function ReadyCard(props: ActionsProps) {
  const { job, manager, sharing } = props;
  const text = texts.ready;
  return (
    <section className="card ready" aria-labelledby={`ready-${job.jobId}`}>
      <h2 id={`ready-${job.jobId}`}>{text.title}</h2>
      <Facts job={job} />
      <div className="actions job-actions">
        <JobActions {...props} />
        <JobMenu {...props} />
      </div>
      <SkippedFiles job={job} />
      {sharing ? (
        <details className="share-links">
          <summary>{texts.shares.title}</summary>
          <Shares job={job} sharing={sharing} />
        </details>
      ) : (
        <ShareLink url={manager.fileUrl(job.jobId)} until={job.bundleExpiresAt} />
      )}
      <VerifyFile job={job} />
      <p className="fine">{text.resumes}</p>
    </section>
  );
}

function Facts({ job }: { job: Job }) {
  const result = job.detail?.result;
  const text = texts.ready;
  const size = result?.size ?? job.size;
  const packed = job.filesTotal - job.filesOmitted;
  return (
    <dl className="numbers">
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
      <div className="wide">
        <dt>{text.savedAs}</dt>
        <dd>{fileNameOf(job)}</dd>
      </div>
    </dl>
  );
}

/** The stable link: it redirects to a new presigned one each time, as long as the result exists. */
function ShareLink({ url, until }: { url: string; until: string | null }) {
  const id = useId();
  const text = texts.ready;
  return (
    <div className="share-link">
      <label htmlFor={id}>{text.shareLabel}</label>
      <div className="joined">
        <input
          id={id}
          readOnly
          value={url}
          aria-describedby={`${id}-hint`}
          onFocus={(event) => event.target.select()}
        />
        <CopyButton kind="plain" icon="link" text={url}>
          {text.share}
        </CopyButton>
      </div>
      <p className="fine" id={`${id}-hint`}>
        {until === null ? text.shareKeeps : text.shareLives(moment(until))}
      </p>
    </div>
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
          <li key={file.name}>
            <strong>{file.name}</strong>
            {file.fileId !== 0 && ` (${file.fileId})`}: {file.reason}
          </li>
        ))}
      </ul>
      <p className="fine">{texts.ready.skippedHint}</p>
    </details>
  );
}
