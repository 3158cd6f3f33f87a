import { previewTexts } from "../../previewTexts.ts";
import { Notice } from "../Notice.tsx";
import { ProgressBar } from "../ProgressBar.tsx";
import { makingOf, reasonsOf } from "./making.ts";
import type { Preview } from "./usePreview.ts";

/** How far the previews of a file are, or why some could not be made. */
export function PreviewState({ detail, processing, job, isMaking }: Preview) {
  const text = previewTexts;
  if (isMaking) {
    const { done, total, percent, isWaiting } = makingOf(job);
    const label = isWaiting ? text.waiting : text.making(done, total);
    return (
      <div className="viewer-making">
        <p>{label}</p>
        <ProgressBar label={label} percent={percent} valueText={label} tone={isWaiting ? "waiting" : "going"} />
      </div>
    );
  }
  const reasons = reasonsOf(processing, job);
  if (reasons.length === 0) return null;
  return (
    <Notice tone="warn" title={detail?.derivatives.length === 0 ? text.failedAll : text.failed}>
      {reasons.map((reason) => (
        <p key={reason}>{reason}</p>
      ))}
      <p>{text.kept}</p>
    </Notice>
  );
}
