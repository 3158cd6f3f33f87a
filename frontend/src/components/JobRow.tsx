import { type MouseEvent, memo } from "react";
import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Failures } from "./Download.tsx";
import { DownloadButton } from "./DownloadButton.tsx";
import { Expiry } from "./Expiry.tsx";
import { age, bytes, duration, moment, percent } from "./formats.ts";
import { Icon } from "./Icon.tsx";
import { type ActionsProps, useJobActions } from "./JobActions.tsx";
import { JobMenu } from "./JobMenu.tsx";
import { helpOf, isRunning, nameOf, percentOf } from "./jobs.ts";
import { ProgressBar } from "./ProgressBar.tsx";
import { STATUS_ICONS } from "./StatusBadge.tsx";
import { TONES } from "./tones.ts";
import { useFocusFallback } from "./useFocusFallback.ts";
import { useNow } from "./useNow.ts";

interface Props extends ActionsProps {
  href: string;
  onOpen(event: MouseEvent): void;
}

/** A job in the list, as a row of its table. Renders only when the job or the failed actions change. */
export const JobRow = memo(
  function JobRow(props: Props) {
    const { job, manager, href, onOpen } = props;
    const focusProps = useFocusFallback<HTMLDivElement>(job.status);
    const name = nameOf(job);
    return (
      <div className="job-row" role="row" data-job={job.jobId} data-status={job.status} {...focusProps}>
        <span role="cell" className="job-name">
          <a href={href} onClick={onOpen} title={name}>
            {name}
          </a>
        </span>
        <span role="cell" className="job-age">
          <Age at={job.createdAt} />
        </span>
        <span role="cell" className="job-size">
          {job.size === null ? texts.files(job.filesTotal) : bytes(job.size)}
        </span>
        <span role="cell" className="job-state">
          <State job={job} />
        </span>
        <span role="cell" className="job-actions">
          <RowAction {...props} />
          <JobMenu {...props} />
        </span>
        {manager.failures.some((failure) => failure.jobId === job.jobId) && (
          <div role="cell" className="job-failures">
            <Failures jobId={job.jobId} manager={manager} />
          </div>
        )}
      </div>
    );
  },
  (one, other) =>
    one.job === other.job &&
    one.manager.failures === other.manager.failures &&
    one.href === other.href &&
    one.sharing === other.sharing,
);

function Age({ at }: { at: string }) {
  const now = useNow(true, 30_000);
  return (
    <time dateTime={at} title={moment(at)}>
      {age(at, now)}
    </time>
  );
}

/** How far a job is, how long its result is available, or how it ended. */
function State({ job }: { job: Job }) {
  const { status } = job;
  const expires = status === "completed" && job.bundleExpiresAt !== null;
  const text = summaryOf(job) ?? texts.status[status];
  const done = percentOf(job);
  const percentage = isRunning(job) && done !== null ? texts.job.percent(percent(done)) : null;
  return (
    <>
      <Icon name={STATUS_ICONS[status]} />
      <span className={expires ? "visually-hidden" : "job-summary"}>{text}</span>
      {expires && <Expiry until={job.bundleExpiresAt} units={1} sentence={texts.jobs.expires} />}
      {isRunning(job) && (
        <ProgressBar
          label={texts.job.progress(nameOf(job))}
          percent={done}
          valueText={percentage === null ? text : `${percentage}, ${text}`}
          tone={TONES[status]}
        />
      )}
      {percentage !== null && <span className="job-percent">{percentage}</span>}
    </>
  );
}

/** The time left of a running job, or its place in the queue; null if the status says it all. */
function summaryOf(job: Job): string | null {
  const { queuePosition = null, etaSeconds = null } = job.detail?.progress ?? {};
  if (job.status === "retrying") return texts.jobs.retrying;
  if (job.status === "queued" && queuePosition !== null) return texts.jobs.position(queuePosition);
  if (job.status !== "processing" || etaSeconds === null) return null;
  return texts.jobs.remaining(duration(etaSeconds, 1));
}

/** The main action as a button with an icon. */
function RowAction(props: Props) {
  const { job, manager } = props;
  const { busy, cancel, retry } = useJobActions(props);
  const name = nameOf(job);
  if (job.status === "completed")
    return <DownloadButton job={job} manager={manager} label={texts.jobs.download(name)} />;
  if (!isRunning(job) && helpOf(job) !== "retry") return null;
  const [label, icon, run] = isRunning(job)
    ? ([texts.jobs.cancel(name), "cross", cancel] as const)
    : ([texts.jobs.retry(name), "retry", retry] as const);
  return (
    <button
      type="button"
      className="icon-button button"
      aria-label={label}
      title={label}
      aria-disabled={busy || undefined}
      onClick={busy ? undefined : run}
    >
      <Icon name={icon} />
    </button>
  );
}
