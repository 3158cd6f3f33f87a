import { type Accepted, type FileSelection, type Job, type Outcome, RETRYABLE } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { DownloadButton } from "./DownloadButton.tsx";
import { isRunning, troubled } from "./names.ts";
import { useAction } from "./useAction.ts";

export interface ActionsProps {
  job: Job;
  manager: DownloadManager;
  /** A new job was started of what failed. */
  onStarted?: ((jobId: string) => void) | undefined;
}

/** What can be done with a job as it is now. */
export function JobActions({ job, manager, onStarted }: ActionsProps) {
  const [busy, run] = useAction();
  const { jobId, status } = job;
  const failed = status === "failed" || status === "completed" ? troubled(job) : 0;
  const words = texts.job;
  const some = failed > 0 && failed < job.filesTotal;
  const without = some && status === "failed" && job.detail?.error?.class === "validation";
  const anew = async (action: () => Promise<Outcome<Accepted>>) => {
    const outcome = await run(action);
    if (outcome?.ok) onStarted?.(outcome.value.jobId);
  };
  return (
    <div className="actions job-actions">
      {status === "completed" && <DownloadButton job={job} manager={manager} />}
      {isRunning(job) && (
        <Button kind="plain" icon="cross" busy={busy} onClick={() => run(() => manager.cancel(jobId))}>
          {busy ? words.cancelling : words.cancel}
        </Button>
      )}
      {without && (
        <Button
          kind="primary"
          icon="minus"
          busy={busy}
          title={words.withoutMissingHint}
          onClick={() => anew(() => manager.start(leavingOut(job)))}
        >
          {words.withoutMissing}
        </Button>
      )}
      {RETRYABLE.has(status) && (
        <Button
          kind={without ? "plain" : "primary"}
          icon="retry"
          busy={busy}
          onClick={() => run(() => manager.retry(jobId))}
        >
          {busy ? words.retrying : words.retry}
        </Button>
      )}
      {some && (
        <Button
          icon="retry"
          busy={busy}
          title={words.retryFailedHint}
          onClick={() => anew(() => manager.retryFailed(jobId))}
        >
          {status === "failed" ? words.retryFailed(failed) : words.retryOmitted(failed)}
        </Button>
      )}
    </div>
  );
}

/** The same files again, but those that are missing are no reason to fail. */
function leavingOut({ archiveName, detail }: Job): FileSelection {
  const files = (detail?.files ?? []).map(({ fileId, name }) => ({ file_id: fileId, name }));
  return { files, archiveName, onMissing: "skip", compression: detail?.compression ?? "store" };
}
