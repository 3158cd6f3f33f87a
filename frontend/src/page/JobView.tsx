import { useEffect, useRef } from "react";
import type { AutoSave } from "../components/autoSave.ts";
import { Download } from "../components/Download.tsx";
import { nameOf } from "../components/jobs.ts";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { StatusBadge } from "../components/StatusBadge.tsx";
import type { Sharing } from "../components/sharing.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { useJob } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { BackLink } from "./BackLink.tsx";

interface Props {
  jobId: string;
  manager: DownloadManager;
  autoSave: AutoSave;
  sharing: Sharing | undefined;
  onStarted(jobId: string): void;
  onChoose(): void;
}

/** The page of one job. */
export function JobView({ jobId, manager, autoSave, sharing, onStarted, onChoose }: Props) {
  const job = useJob(jobId, manager.client);
  const title = useFocusOnNavigation(jobId);
  return (
    <div className="job-view">
      <BackLink />
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
      {job && !job.problem && (
        <Download
          job={job}
          manager={manager}
          autoSave={autoSave}
          sharing={sharing}
          onStarted={onStarted}
          onChoose={onChoose}
        />
      )}
    </div>
  );
}

/** Focuses the title after a navigation, so that screen readers continue there. */
function useFocusOnNavigation(jobId: string) {
  const title = useRef<HTMLHeadingElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each job is a navigation
  useEffect(() => title.current?.focus({ preventScroll: true }), [jobId]);
  return title;
}
