import { type MouseEvent, useEffect, useRef, useState } from "react";
import { RETRYABLE } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { CopyButton } from "./CopyButton.tsx";
import { curlCommand } from "./curl.ts";
import { type ActionsProps, useJobActions } from "./JobActions.tsx";
import { fileNameOf, helpOf, nameOf, retryableFileCount } from "./jobs.ts";
import { Menu } from "./Menu.tsx";
import { reportOfJob } from "./report.ts";
import { Shares } from "./Shares.tsx";
import { Sheet } from "./Sheet.tsx";

/** What can be done with a job beside its main action. */
export function JobMenu(props: ActionsProps) {
  const { job, manager, sharing } = props;
  const { status, jobId } = job;
  const { busy, retry, retryFiles } = useJobActions(props);
  const failed = status === "failed" || status === "completed" ? retryableFileCount(job) : 0;
  const isPartial = failed > 0 && failed < job.filesTotal;
  const text = texts.job;
  const [isSharing, setSharing] = useState(false);
  /** The button of the menu, which gets the focus back. */
  const opener = useRef<HTMLElement>(null);
  const openShares = (event: MouseEvent) => {
    opener.current = event.currentTarget.closest(".menu")?.querySelector("button") ?? null;
    setSharing(true);
  };
  useEffect(() => {
    if (!isSharing) opener.current?.focus();
  }, [isSharing]);
  const menu = (
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
      {status === "completed" && !sharing && (
        <CopyButton icon="link" text={manager.fileUrl(jobId)}>
          {texts.ready.share}
        </CopyButton>
      )}
      {status === "completed" && sharing && (
        <Button kind="quiet" icon="link" onClick={openShares}>
          {texts.shares.open}
        </Button>
      )}
      {status === "completed" && (
        <CopyButton text={curlCommand(manager.fileUrl(jobId), fileNameOf(job), sharing !== undefined)}>
          {texts.ready.curl}
        </CopyButton>
      )}
      {status === "failed" && job.detail !== null && (
        <CopyButton text={() => reportOfJob(job)}>{texts.problem.copy}</CopyButton>
      )}
      <CopyButton text={jobId}>{text.copyId}</CopyButton>
    </Menu>
  );
  return (
    <>
      {menu}
      {isSharing && sharing && (
        <Sheet label={texts.shares.title} onClose={() => setSharing(false)}>
          <div className="card">
            <h2>{texts.shares.of(nameOf(job))}</h2>
            <Shares job={job} sharing={sharing} />
          </div>
        </Sheet>
      )}
    </>
  );
}
