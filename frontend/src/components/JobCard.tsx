import { type MouseEvent, memo } from "react";
import { texts } from "../texts.ts";
import { Failures } from "./Download.tsx";
import { bytes } from "./formats.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { JobProgress } from "./JobProgress.tsx";
import { isRunning, nameOf } from "./jobs.ts";
import { RelativeTime } from "./RelativeTime.tsx";
import { StatusBadge } from "./StatusBadge.tsx";
import { useFocusFallback } from "./useFocusFallback.ts";

interface Props extends ActionsProps {
  href: string;
  onOpen(event: MouseEvent): void;
}

/** A job in the list. Renders only when the job or the failed actions change. */
export const JobCard = memo(
  function JobCard({ job, manager, href, onOpen, onStarted }: Props) {
    const focusProps = useFocusFallback<HTMLElement>(job.status);
    return (
      <article className="card job-card" data-job={job.jobId} data-status={job.status} {...focusProps}>
        <header>
          <h3>
            <a href={href} onClick={onOpen}>
              {nameOf(job)}
            </a>
          </h3>
          <StatusBadge status={job.status} />
        </header>
        {isRunning(job) ? <JobProgress job={job} /> : <Summary job={job} />}
        {job.status === "failed" && job.detail?.error && <p className="error-message">{job.detail.error.message}</p>}
        <Failures jobId={job.jobId} manager={manager} />
        <JobActions job={job} manager={manager} onStarted={onStarted} />
      </article>
    );
  },
  (one, other) => one.job === other.job && one.manager.failures === other.manager.failures && one.href === other.href,
);

function Summary({ job }: Pick<ActionsProps, "job">) {
  const { filesTotal, filesOmitted, size, createdAt } = job;
  return (
    <p className="facts">
      <span>{texts.files(filesTotal)}</span>
      {size !== null && <span>{bytes(size)}</span>}
      {filesOmitted > 0 && <span>{texts.ready.skipped(filesOmitted)}</span>}
      <RelativeTime at={createdAt} sentence={texts.jobs.requested} />
    </p>
  );
}
