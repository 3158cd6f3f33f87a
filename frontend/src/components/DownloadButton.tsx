import type { MouseEvent } from "react";
import type { Job } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Icon } from "./Icon.tsx";
import { useAction } from "./useAction.ts";

/**
 * A link to the result. A click fetches a presigned link first, so that problems are shown on the page, and then
 * navigates to it. Opened in another way (new tab, "Save as") it follows the gateway's redirect.
 */
export function DownloadButton({ job, manager }: { job: Job; manager: DownloadManager }) {
  const [busy, run] = useAction();
  const download = async (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const outcome = await run(() => manager.link(job.jobId));
    if (outcome?.ok) window.location.assign(outcome.value.url);
  };
  return (
    <a
      className="button primary"
      href={manager.fileUrl(job.jobId)}
      onClick={download}
      aria-disabled={busy || undefined}
    >
      <Icon name="down" />
      <span>{busy ? texts.ready.preparing : texts.ready.download}</span>
    </a>
  );
}
