import { texts } from "../texts.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { JobMenu } from "./JobMenu.tsx";
import { Notice } from "./Notice.tsx";

/** Why a job failed, and what to do. */
export function FailureNotice(props: ActionsProps) {
  const error = props.job.detail?.error;
  const text = texts.failure;
  return (
    <Notice tone="bad" title={text.title}>
      {error && (
        <>
          <p className="error-message">{error.message}</p>
          <p>{text.advice[error.class]}</p>
        </>
      )}
      <div className="actions job-actions">
        <JobActions {...props} />
        <JobMenu {...props} />
      </div>
    </Notice>
  );
}
