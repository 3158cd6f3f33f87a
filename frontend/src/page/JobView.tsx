import { useEffect, useRef } from "react";
import { Download } from "../components/Download.tsx";
import { Icon } from "../components/Icon.tsx";
import { nameOf } from "../components/names.ts";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { StatusBadge } from "../components/StatusBadge.tsx";
import type { DownloadManager } from "../hooks/index.ts";
import { useJob } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { goOnClick } from "./routes.ts";

interface Props {
  jobId: string;
  manager: DownloadManager;
  onStarted(jobId: string): void;
}

/** One job's own page. */
export function JobView({ jobId, manager, onStarted }: Props) {
  const job = useJob(jobId, manager.client);
  const title = useFocusOnArrival(jobId);
  return (
    <div className="job-view">
      <p>
        <a className="back" href="/" onClick={goOnClick}>
          <Icon name="back" />
          {texts.jobs.back}
        </a>
      </p>
      <header className="job-title">
        <h1 ref={title} tabIndex={-1}>
          {job === undefined || job.problem ? texts.jobs.untitled(0) : nameOf(job)}
        </h1>
        {job && !job.problem && <StatusBadge status={job.status} />}
        {job && !job.problem && (
          <p className="fine">
            <RelativeTime at={job.createdAt} sentence={texts.jobs.requested} />
          </p>
        )}
      </header>
      {job?.problem && <ProblemNotice action="job" problem={job.problem} />}
      {job === undefined && <p className="empty">{texts.job.loading}</p>}
      {job && !job.problem && <Download job={job} manager={manager} onStarted={onStarted} />}
    </div>
  );
}

/** Whoever comes here by a link of the page goes on reading at its title. */
function useFocusOnArrival(jobId: string) {
  const title = useRef<HTMLHeadingElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each job is an arrival
  useEffect(() => title.current?.focus({ preventScroll: true }), [jobId]);
  return title;
}
