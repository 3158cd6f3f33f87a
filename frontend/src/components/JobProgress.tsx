import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { bytes, duration, percent } from "./formats.ts";
import { isRunning, nameOf, percentOf } from "./names.ts";
import { ProgressBar } from "./ProgressBar.tsx";

const TONES = {
  queued: "waiting",
  processing: "going",
  retrying: "waiting",
  completed: "done",
  failed: "bad",
  cancelled: "still",
  expired: "still",
} as const;

/** The bar of a whole job, and the numbers under it. */
export function JobProgress({ job }: { job: Job }) {
  const value = percentOf(job);
  const shown = isRunning(job) || job.status === "completed" ? value : (value ?? 0);
  const said = value === null ? null : texts.job.percent(percent(value));
  const facts = factsOf(job);
  const valueText = [said ?? texts.job.unknown, ...facts].join(", ");
  return (
    <div className="job-progress">
      <ProgressBar
        label={texts.job.progress(nameOf(job))}
        percent={shown}
        valueText={valueText}
        tone={TONES[job.status]}
      />
      <p className="facts">
        {said !== null && <strong>{said}</strong>}
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
    </div>
  );
}

/** What is known of how far it is: place in the queue, bytes, files, speed, time left. */
function factsOf(job: Job): string[] {
  const progress = job.detail?.progress;
  if (progress === undefined) return job.filesTotal > 0 ? [texts.files(job.filesTotal)] : [];
  const { bytesDone, bytesTotal, filesDone, filesTotal, bytesPerSecond, etaSeconds } = progress;
  const { queuePosition, startsInSeconds } = progress;
  const packs = job.status === "processing";
  return [
    queuePosition !== null && texts.job.position(queuePosition),
    queuePosition !== null && startsInSeconds != null && texts.job.startsIn(duration(startsInSeconds)),
    (bytesDone > 0 || packs) && texts.job.bytes(bytes(bytesDone), bytesTotal === null ? null : bytes(bytesTotal)),
    texts.job.filesDone(filesDone, filesTotal),
    packs && bytesPerSecond != null && texts.job.speed(bytes(bytesPerSecond)),
    packs && etaSeconds != null && texts.job.left(duration(etaSeconds)),
  ].filter((fact) => fact !== false);
}
