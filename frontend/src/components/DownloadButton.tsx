import type { MouseEvent } from "react";
import type { Job } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Icon } from "./Icon.tsx";
import { useAction } from "./useAction.ts";

interface Props {
  job: Job;
  manager: DownloadManager;
  /** Replaces the visible text with an icon. */
  label?: string;
}

/**
 * A link to the result. A click fetches a presigned link first, so that problems are shown on the page, and then
 * navigates to it. Opened in another way (new tab, "Save as") it follows the gateway's redirect.
 */
export function DownloadButton({ job, manager, label }: Props) {
  const [busy, run] = useAction();
  const download = async (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const outcome = await run(() => manager.link(job.jobId));
    if (outcome?.ok) window.location.assign(outcome.value.url);
  };
  return (
    <a
      className={label === undefined ? "button primary" : "icon-button button"}
      aria-label={label}
      title={label}
      href={manager.fileUrl(job.jobId)}
      onClick={download}
      aria-disabled={busy || undefined}
    >
      <Icon name="down" />
      {label === undefined && <span>{busy ? texts.ready.preparing : texts.ready.download}</span>}
    </a>
  );
}
