import { uploadTexts } from "../../uploadTexts.ts";
import { Button } from "../Button.tsx";
import { ConfirmButton } from "../ConfirmButton.tsx";
import { bytes, duration, percent } from "../formats.ts";
import { Notice } from "../Notice.tsx";
import { ProgressBar } from "../ProgressBar.tsx";
import type { Totals } from "./totals.ts";

interface Props {
  totals: Totals;
  bytesPerSecond: number;
  onPause(): void;
  onResume(): void;
  onCancel(): void;
  onRetry(): void;
  onClear(): void;
  /** Lets the user choose the files that are needed again. */
  onPick(): void;
}

/** All uploads of this page together, and what can be done with all of them. */
export function UploadSummary(props: Props) {
  const { totals } = props;
  const { counts, active, moving } = totals;
  const text = uploadTexts;
  const facts = factsOf(props);
  const label = totals.percent === null ? null : text.percent(percent(totals.percent));
  return (
    <div className="upload-summary">
      {counts.offline > 0 && (
        <Notice tone="warn" title={text.offline.title}>
          <p>{text.offline.body}</p>
        </Notice>
      )}
      {counts["needs-file"] > 0 && (
        <Notice
          tone="warn"
          title={text.needed.title(counts["needs-file"])}
          actions={
            <Button icon="file" onClick={props.onPick}>
              {text.needed.choose}
            </Button>
          }
        >
          <p>{text.needed.body}</p>
        </Notice>
      )}
      {label !== null && (
        <div className="job-progress">
          <ProgressBar
            label={text.total}
            percent={totals.percent}
            valueText={[label, ...facts].join(", ")}
            tone={active === 0 ? "done" : moving + counts.checking === 0 ? "waiting" : "going"}
          />
          <p className="facts">
            <strong>{label}</strong>
            {facts.map((fact) => (
              <span key={fact}>{fact}</span>
            ))}
          </p>
        </div>
      )}
      <div className="actions">
        {moving + counts.paused > 0 && (
          // One button, which keeps the focus when its action changes.
          <Button
            kind={moving > 0 ? "plain" : "primary"}
            icon={moving > 0 ? "pause" : "play"}
            onClick={moving > 0 ? props.onPause : props.onResume}
          >
            {moving > 0 ? text.pauseAll : text.resumeAll}
          </Button>
        )}
        {moving > 0 && counts.paused > 0 && (
          <Button kind="primary" icon="play" onClick={props.onResume}>
            {text.resumeAll}
          </Button>
        )}
        {counts.failed > 0 && (
          <Button icon="retry" onClick={props.onRetry}>
            {text.retryAll(counts.failed)}
          </Button>
        )}
        {active + counts["needs-file"] > 0 && (
          <ConfirmButton confirm={text.confirm} label={text.cancelAll} busy={false} onConfirm={props.onCancel}>
            {text.cancelAll}
          </ConfirmButton>
        )}
        {counts.completed + counts.cancelled > 0 && (
          <Button kind="quiet" onClick={props.onClear}>
            {text.clear}
          </Button>
        )}
      </div>
    </div>
  );
}

/** Bytes, files, speed, time left. */
function factsOf({ totals, bytesPerSecond }: Props): string[] {
  const { bytesSent, bytesTotal, counts, active } = totals;
  const text = uploadTexts;
  const isSending = counts.sending > 0 && bytesPerSecond > 0;
  return [
    text.sent(bytes(bytesSent), bytes(bytesTotal)),
    text.finished(counts.completed, active + counts.completed),
    isSending && text.speed(bytes(bytesPerSecond)),
    isSending && bytesTotal > bytesSent && text.remaining(duration((bytesTotal - bytesSent) / bytesPerSecond)),
  ].filter((fact) => fact !== false);
}
