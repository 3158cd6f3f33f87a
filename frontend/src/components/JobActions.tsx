import { type Job, RETRYABLE } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { DownloadButton } from "./DownloadButton.tsx";
import { isRunning, troubled } from "./names.ts";
import { useAction } from "./useAction.ts";
import { useKeptFocus } from "./useKeptFocus.ts";

export interface ActionsProps {
  job: Job;
  manager: DownloadManager;
  /** A new job was started of what failed. */
  onStarted?: ((jobId: string) => void) | undefined;
}

/** What can be done with a job as it is now. */
export function JobActions({ job, manager, onStarted }: ActionsProps) {
  const [busy, run] = useAction();
  const kept = useKeptFocus<HTMLDivElement>(job.status);
  const { jobId, status } = job;
  const failed = status === "failed" || status === "completed" ? troubled(job) : 0;
  const words = texts.job;
  const retryFailed = async () => {
    const outcome = await run(() => manager.retryFailed(jobId));
    if (outcome?.ok) onStarted?.(outcome.value.jobId);
  };
  return (
    <div className="actions" {...kept}>
      {status === "completed" && <DownloadButton job={job} manager={manager} />}
      {isRunning(job) && (
        <Button kind="plain" icon="cross" busy={busy} onClick={() => run(() => manager.cancel(jobId))}>
          {busy ? words.cancelling : words.cancel}
        </Button>
      )}
      {RETRYABLE.has(status) && (
        <Button kind="primary" icon="retry" busy={busy} onClick={() => run(() => manager.retry(jobId))}>
          {busy ? words.retrying : words.retry}
        </Button>
      )}
      {failed > 0 && failed < job.filesTotal && (
        <Button icon="retry" busy={busy} title={words.retryFailedHint} onClick={retryFailed}>
          {words.retryFailed(failed)}
        </Button>
      )}
    </div>
  );
}
