import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { CopyButton } from "./CopyButton.tsx";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { nameOf } from "./jobs.ts";
import { Notice } from "./Notice.tsx";

/** Why a job failed, and what to do. */
export function FailureNotice({ job, manager, onStarted }: ActionsProps) {
  const error = job.detail?.error;
  const text = texts.failure;
  return (
    <Notice tone="bad" title={text.title}>
      {error && (
        <>
          <p className="error-message">{error.message}</p>
          <p>{text.advice[error.class]}</p>
        </>
      )}
      <JobActions job={job} manager={manager} onStarted={onStarted} />
      <CopyButton text={() => report(job)}>{texts.problem.copy}</CopyButton>
    </Notice>
  );
}

/** The failure as text, to send to support. */
function report(job: Job): string {
  const { error, files = [] } = job.detail ?? {};
  const lines = files
    .filter((file) => file?.error)
    .map((file) => `${file.fileId} ${file.name ?? ""}: ${file.error?.message}`);
  const head = [`${nameOf(job)} (${job.jobId}): ${job.status}`, error ? `${error.class}: ${error.message}` : ""];
  return [...head, ...lines].filter(Boolean).join("\n");
}
