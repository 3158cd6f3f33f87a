import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { CopyButton } from "./CopyButton.tsx";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { Notice } from "./Notice.tsx";
import { nameOf } from "./names.ts";

/** Why a job failed, which files were to blame, and what to do. */
export function FailureNotice({ job, manager, onStarted }: ActionsProps) {
  const error = job.detail?.error;
  const words = texts.failure;
  return (
    <Notice tone="bad" title={words.title}>
      {error && (
        <>
          <p className="said">{error.message}</p>
          <p>{words.advice[error.class]}</p>
        </>
      )}
      <JobActions job={job} manager={manager} onStarted={onStarted} />
      <CopyButton text={() => report(job)}>{texts.problem.copy}</CopyButton>
    </Notice>
  );
}

/** All of it as text, for whoever is to help. */
function report(job: Job): string {
  const { error, files = [] } = job.detail ?? {};
  const lines = files
    .filter((file) => file?.error)
    .map((file) => `${file.fileId} ${file.name ?? ""}: ${file.error?.message}`);
  const head = [`${nameOf(job)} (${job.jobId}): ${job.status}`, error ? `${error.class}: ${error.message}` : ""];
  return [...head, ...lines].filter(Boolean).join("\n");
}
