import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { JobMenu } from "./JobMenu.tsx";
import { helpOf, problemFileCount } from "./jobs.ts";
import { Notice } from "./Notice.tsx";

/** What failed, in one sentence, and the action that helps. */
export function FailureNotice(props: ActionsProps) {
  const { job } = props;
  return (
    <Notice tone="bad" title={texts.failure.title}>
      <Reason job={job} />
      <div className="actions job-actions">
        <JobActions {...props} />
        <JobMenu {...props} />
      </div>
      {helpOf(job) === "retry" && <p className="fine">{texts.failure.again}</p>}
    </Notice>
  );
}

/** Why the last attempt of a job failed, with what the server says about it on request. */
export function Reason({ job }: { job: Job }) {
  const error = job.detail?.error;
  if (!error) return null;
  const { reasons, missing, details } = texts.failure;
  if (error.class === "validation") {
    const count = problemFileCount(job);
    return <p className="error-message">{count > 0 ? missing(count, job.filesTotal) : error.message}</p>;
  }
  return (
    <>
      <p>{reasons[error.class]}</p>
      <details className="error-details">
        <summary>{details}</summary>
        <p className="error-message">{error.message}</p>
      </details>
    </>
  );
}
