import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { bytes, duration, percent } from "./formats.ts";
import { isRunning, nameOf, percentOf } from "./jobs.ts";
import { ProgressBar } from "./ProgressBar.tsx";
import { TONES } from "./tones.ts";

/** The progress bar of a job, and the figures below it. */
export function JobProgress({ job }: { job: Job }) {
  const value = percentOf(job);
  const shown = isRunning(job) || job.status === "completed" ? value : (value ?? 0);
  const label = value === null ? null : texts.job.percent(percent(value));
  const facts = factsOf(job);
  const valueText = [label ?? texts.job.unknown, ...facts].join(", ");
  return (
    <div className="job-progress">
      <ProgressBar
        label={texts.job.progress(nameOf(job))}
        percent={shown}
        valueText={valueText}
        tone={TONES[job.status]}
      />
      <p className="facts">
        {label !== null && <strong>{label}</strong>}
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </p>
    </div>
  );
}

/** The known figures: position in the queue, bytes, files, speed, time left. */
function factsOf(job: Job): string[] {
  const progress = job.detail?.progress;
  if (progress === undefined) return job.filesTotal > 0 ? [texts.files(job.filesTotal)] : [];
  const { bytesDone, bytesTotal, filesDone, filesTotal, bytesPerSecond, etaSeconds } = progress;
  const { queuePosition, startsInSeconds } = progress;
  const isPacking = job.status === "processing";
  return [
    queuePosition !== null && texts.job.position(queuePosition),
    queuePosition !== null && startsInSeconds != null && texts.job.startsIn(duration(startsInSeconds)),
    (bytesDone > 0 || isPacking) && texts.job.bytes(bytes(bytesDone), bytesTotal === null ? null : bytes(bytesTotal)),
    texts.job.filesDone(filesDone, filesTotal),
    isPacking && bytesPerSecond != null && texts.job.speed(bytes(bytesPerSecond)),
    isPacking && etaSeconds != null && texts.job.remaining(duration(etaSeconds)),
  ].filter((fact) => fact !== false);
}
