import { type MouseEvent, useMemo } from "react";
import type { Job } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { JobRow } from "./JobRow.tsx";
import { isRunning } from "./jobs.ts";
import type { Sharing } from "./sharing.ts";

interface Props {
  jobs: readonly Job[];
  manager: DownloadManager;
  sharing?: Sharing | undefined;
  hrefOf(jobId: string): string;
  onOpen(event: MouseEvent): void;
  onStarted(jobId: string): void;
}

/** Jobs as compact rows, those that run first. */
export function JobList({ jobs, manager, sharing, hrefOf, onOpen, onStarted }: Props) {
  const text = texts.jobs;
  const sorted = useMemo(() => [...jobs.filter(isRunning), ...jobs.filter((job) => !isRunning(job))], [jobs]);
  return (
    <div className="job-list" role="table" aria-label={text.list}>
      <div role="rowgroup" className="job-titles">
        <div role="row" className="job-row">
          <span role="columnheader">{text.name}</span>
          <span role="columnheader">{text.age}</span>
          <span role="columnheader" className="job-size">
            {text.size}
          </span>
          <span role="columnheader">{text.state}</span>
          <span role="columnheader">
            <span className="visually-hidden">{text.actions}</span>
          </span>
        </div>
      </div>
      <div role="rowgroup">
        {sorted.map((job) => (
          <JobRow
            key={job.jobId}
            job={job}
            manager={manager}
            sharing={sharing}
            href={hrefOf(job.jobId)}
            onOpen={onOpen}
            onStarted={onStarted}
          />
        ))}
      </div>
    </div>
  );
}
