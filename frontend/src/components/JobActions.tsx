import type { Accepted, Job, Outcome } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { DownloadButton } from "./DownloadButton.tsx";
import { helpOf, isRunning, skippingMissing } from "./jobs.ts";
import type { Sharing } from "./sharing.ts";
import { useAction } from "./useAction.ts";

export interface ActionsProps {
  job: Job;
  manager: DownloadManager;
  /** If users sign in: then others need a share link to get the result. */
  sharing?: Sharing | undefined;
  /** Called with the id of a new job that this one was retried as. */
  onStarted?: ((jobId: string) => void) | undefined;
  /** Called when only other files would help. */
  onChoose?: (() => void) | undefined;
}

/** The actions on a job, one at a time. */
export function useJobActions({ job, manager, onStarted }: ActionsProps) {
  const [busy, run] = useAction();
  const { jobId } = job;
  const startNew = async (action: () => Promise<Outcome<Accepted>>) => {
    const outcome = await run(action);
    if (outcome?.ok) onStarted?.(outcome.value.jobId);
  };
  return {
    busy,
    cancel: () => run(() => manager.cancel(jobId)),
    retry: () => run(() => manager.retry(jobId)),
    retryFiles: () => startNew(() => manager.retryFailed(jobId)),
    skipMissing: () => startNew(() => manager.start(skippingMissing(job))),
  };
}

/** The one action that a job's status asks for. `JobMenu` has the others. */
export function JobActions(props: ActionsProps) {
  const { job, manager, onChoose } = props;
  const { busy, cancel, retry, skipMissing } = useJobActions(props);
  const help = helpOf(job);
  const text = texts.job;
  return (
    <>
      {job.status === "completed" && <DownloadButton job={job} manager={manager} />}
      {isRunning(job) && (
        <Button icon="cross" busy={busy} onClick={cancel}>
          {busy ? text.cancelling : text.cancel}
        </Button>
      )}
      {help === "skipMissing" && (
        <Button kind="primary" icon="minus" busy={busy} title={text.withoutMissingHint} onClick={skipMissing}>
          {text.withoutMissing}
        </Button>
      )}
      {help === "retry" && (
        <Button kind="primary" icon="retry" busy={busy} onClick={retry}>
          {busy ? text.retrying : text.retry}
        </Button>
      )}
      {help === "chooseOthers" && onChoose && (
        <Button kind="primary" icon="search" onClick={onChoose}>
          {text.chooseOthers}
        </Button>
      )}
    </>
  );
}
