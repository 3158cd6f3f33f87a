import { type MouseEvent, memo } from "react";
import { texts } from "../texts.ts";
import { Failures } from "./Download.tsx";
import { bytes } from "./formats.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { JobProgress } from "./JobProgress.tsx";
import { isRunning, nameOf } from "./names.ts";
import { RelativeTime } from "./RelativeTime.tsx";
import { StatusBadge } from "./StatusBadge.tsx";
import { useKeptFocus } from "./useKeptFocus.ts";

interface Props extends ActionsProps {
  href: string;
  onOpen(event: MouseEvent): void;
}

/** A job in the list. Rendered again when it changes, or what could not be done with it. */
export const JobCard = memo(
  function JobCard({ job, manager, href, onOpen, onStarted }: Props) {
    const kept = useKeptFocus<HTMLElement>(job.status);
    return (
      <article className="card job-card" data-job={job.jobId} data-status={job.status} {...kept}>
        <header>
          <h3>
            <a href={href} onClick={onOpen}>
              {nameOf(job)}
            </a>
          </h3>
          <StatusBadge status={job.status} />
        </header>
        {isRunning(job) ? <JobProgress job={job} /> : <Summary job={job} />}
        {job.status === "failed" && job.detail?.error && <p className="said">{job.detail.error.message}</p>}
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
