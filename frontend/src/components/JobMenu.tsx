import { RETRYABLE } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { CopyButton } from "./CopyButton.tsx";
import { curlCommand } from "./curl.ts";
import { type ActionsProps, useJobActions } from "./JobActions.tsx";
import { fileNameOf, helpOf, nameOf, problemFileCount } from "./jobs.ts";
import { Menu } from "./Menu.tsx";
import { reportOfJob } from "./report.ts";

/** What can be done with a job beside its main action. */
export function JobMenu(props: ActionsProps) {
  const { job, manager } = props;
  const { status, jobId } = job;
  const { busy, retry, retryFiles } = useJobActions(props);
  const failed = status === "failed" || status === "completed" ? problemFileCount(job) : 0;
  const isPartial = failed > 0 && failed < job.filesTotal;
  const text = texts.job;
  return (
    <Menu label={`${text.more}: ${nameOf(job)}`}>
      {RETRYABLE.has(status) && helpOf(job) !== "retry" && (
        <Button kind="quiet" icon="retry" busy={busy} onClick={retry}>
          {text.retry}
        </Button>
      )}
      {isPartial && (
        <Button kind="quiet" icon="retry" busy={busy} title={text.retryFailedHint} onClick={retryFiles}>
          {status === "failed" ? text.retryFailed(failed) : text.retryOmitted(failed)}
        </Button>
      )}
      {status === "completed" && (
        <>
          <CopyButton icon="link" text={manager.fileUrl(jobId)}>
            {texts.ready.share}
          </CopyButton>
          <CopyButton text={curlCommand(manager.fileUrl(jobId), fileNameOf(job))}>{texts.ready.curl}</CopyButton>
        </>
      )}
      {status === "failed" && job.detail !== null && (
        <CopyButton text={() => reportOfJob(job)}>{texts.problem.copy}</CopyButton>
      )}
      <CopyButton text={jobId}>{text.copyId}</CopyButton>
    </Menu>
  );
}
