import { type Accepted, type FileSelection, type Job, type Outcome, RETRYABLE } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { DownloadButton } from "./DownloadButton.tsx";
import { isRunning, problemFileCount } from "./jobs.ts";
import { useAction } from "./useAction.ts";

export interface ActionsProps {
  job: Job;
  manager: DownloadManager;
  /** Called with the id of a new job that this one was retried as. */
  onStarted?: ((jobId: string) => void) | undefined;
}

/** The actions that a job's status allows. */
export function JobActions({ job, manager, onStarted }: ActionsProps) {
  const [busy, run] = useAction();
  const { jobId, status } = job;
  const failed = status === "failed" || status === "completed" ? problemFileCount(job) : 0;
  const text = texts.job;
  const partial = failed > 0 && failed < job.filesTotal;
  const withoutMissing = partial && status === "failed" && job.detail?.error?.class === "validation";
  const startNew = async (action: () => Promise<Outcome<Accepted>>) => {
    const outcome = await run(action);
    if (outcome?.ok) onStarted?.(outcome.value.jobId);
  };
  return (
    <div className="actions job-actions">
      {status === "completed" && <DownloadButton job={job} manager={manager} />}
      {isRunning(job) && (
        <Button kind="plain" icon="cross" busy={busy} onClick={() => run(() => manager.cancel(jobId))}>
          {busy ? text.cancelling : text.cancel}
        </Button>
      )}
      {withoutMissing && (
        <Button
          kind="primary"
          icon="minus"
          busy={busy}
          title={text.withoutMissingHint}
          onClick={() => startNew(() => manager.start(skippingMissing(job)))}
        >
          {text.withoutMissing}
        </Button>
      )}
      {RETRYABLE.has(status) && (
        <Button
          kind={withoutMissing ? "plain" : "primary"}
          icon="retry"
          busy={busy}
          onClick={() => run(() => manager.retry(jobId))}
        >
          {busy ? text.retrying : text.retry}
        </Button>
      )}
      {partial && (
        <Button
          icon="retry"
          busy={busy}
          title={text.retryFailedHint}
          onClick={() => startNew(() => manager.retryFailed(jobId))}
        >
          {status === "failed" ? text.retryFailed(failed) : text.retryOmitted(failed)}
        </Button>
      )}
    </div>
  );
}

/** The same files, with missing ones skipped. */
function skippingMissing({ archiveName, detail }: Job): FileSelection {
  const files = (detail?.files ?? []).map(({ fileId, name }) => ({ file_id: fileId, name }));
  return { files, archiveName, onMissing: "skip", compression: detail?.compression ?? "store" };
}
