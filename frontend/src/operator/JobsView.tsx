import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Problem } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import { count } from "../components/formats.ts";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { useAction } from "../components/useAction.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { navigate, navigateOnClick } from "../page/routes.ts";
import { countJobs, listJobs } from "./api.ts";
import { BulkActions, useBulkActions } from "./BulkActions.tsx";
import { BulkBar } from "./BulkBar.tsx";
import { Filters } from "./Filters.tsx";
import { filterOf, type JobFilter, searchOf, serverFilter } from "./filters.ts";
import { JobStatus } from "./JobStatus.tsx";
import { jobHref, jobsHref, useSearch } from "./routes.ts";
import type { OperatorJob } from "./schemas.ts";
import { Table } from "./Table.tsx";
import { usePolled } from "./usePolled.ts";

/** Milliseconds. */
const LIST_INTERVAL = 5_000;
const COUNT_INTERVAL = 15_000;

const setFilter = (filter: JobFilter) => navigate(jobsHref(filter), { replace: true });

/** Jobs of all owners, newest first, and what can be done with all that match. The filter is in the address. */
export function JobsView({ canAct }: { canAct: boolean }) {
  const search = useSearch();
  const filter = useMemo(() => filterOf(search), [search]);
  const { jobs, hasMore, problem, moreProblem, busy, reload, more } = useJobPages(filter);
  const counted = usePolled(
    useCallback((signal: AbortSignal) => countJobs(serverFilter(filter, Date.now()), signal), [filter]),
    COUNT_INTERVAL,
  );
  const actions = useBulkActions();
  const isFiltered = searchOf(filter) !== "";
  const text = operatorTexts.list;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  return (
    <div className="jobs-view">
      <div className="section-head">
        <h1 ref={title} tabIndex={-1}>
          {text.title}
        </h1>
        <p className="fine" role="status">
          {counted.value ? text.count(counted.value.count) : counted.problem ? "" : text.counting}
        </p>
        <Button kind="quiet" icon="retry" onClick={reload}>
          {text.refresh}
        </Button>
      </div>
      <Filters filter={filter} onChange={setFilter} />
      {canAct && <BulkBar filter={filter} onStarted={actions.reload} />}
      <BulkActions actions={actions} canAct={canAct} limit={1} isHiddenIfNone />
      {problem && jobs === undefined && <ProblemNotice title={text.load} problem={problem} onRetry={reload} />}
      {jobs === undefined && !problem && <p className="empty">{operatorTexts.loading}</p>}
      {jobs?.length === 0 && <p className="empty">{isFiltered ? text.noneFound : text.none}</p>}
      {jobs !== undefined && jobs.length > 0 && <JobTable jobs={jobs} />}
      {moreProblem && <ProblemNotice title={text.load} problem={moreProblem} onRetry={more} />}
      {hasMore && (
        <Button className="load-more" busy={busy} onClick={more}>
          {text.more}
        </Button>
      )}
    </div>
  );
}

function JobTable({ jobs }: { jobs: readonly OperatorJob[] }) {
  const text = operatorTexts.list;
  return (
    <div className="card job-table">
      <Table
        label={text.label}
        items={jobs}
        keyOf={({ jobId }) => jobId}
        attributes={({ jobId, status }) => ({ "data-job": jobId, "data-status": status })}
        columns={[
          { name: text.job, isTitle: true, of: (job) => <JobName job={job} /> },
          { name: text.status, of: ({ status, dead }) => <JobStatus status={status} dead={dead} /> },
          { name: text.kind, of: ({ kind }) => operatorTexts.kindOne[kind] },
          { name: text.owner, of: ({ owner }) => <span className="owner">{owner}</span> },
          { name: text.attempt, isNumber: true, of: ({ attempt }) => count(attempt) },
          { name: text.created, of: ({ createdAt }) => <RelativeTime at={createdAt} sentence={(when) => when} /> },
          {
            name: text.ended,
            of: ({ finishedAt }) =>
              finishedAt === null ? "–" : <RelativeTime at={finishedAt} sentence={(when) => when} />,
          },
        ]}
      />
    </div>
  );
}

function JobName({ job: { jobId, title, error } }: { job: OperatorJob }) {
  return (
    <>
      <a href={jobHref(jobId)} onClick={navigateOnClick}>
        {title}
      </a>
      <small>
        <code>{jobId}</code>
      </small>
      {error && <small className="job-error">{`${error.class}: ${error.message}`}</small>}
    </>
  );
}

/** The first page, kept up to date until more are loaded, which would leave gaps between them. */
function useJobPages(filter: JobFilter) {
  const load = useCallback((signal: AbortSignal) => listJobs(serverFilter(filter, Date.now()), null, signal), [filter]);
  const [older, setOlder] = useState<{ load: typeof load; jobs: OperatorJob[]; cursor: string | null } | null>(null);
  const [moreProblem, setMoreProblem] = useState<Problem | null>(null);
  const [busy, run] = useAction();
  const more = older?.load === load ? older : null;
  const first = usePolled(load, () => (more === null ? LIST_INTERVAL : null));
  const cursor = more === null ? (first.value?.nextCursor ?? null) : more.cursor;
  return {
    jobs: first.value && [...first.value.jobs, ...(more?.jobs ?? [])],
    hasMore: cursor !== null,
    problem: first.problem,
    moreProblem,
    busy,
    reload: () => {
      setOlder(null);
      return first.reload();
    },
    more: () =>
      void run(async () => {
        const outcome = await listJobs(serverFilter(filter, Date.now()), cursor, new AbortController().signal);
        setMoreProblem(outcome.ok ? null : outcome.problem);
        if (!outcome.ok) return;
        const { jobs, nextCursor } = outcome.value;
        setOlder({ load, jobs: [...(more?.jobs ?? []), ...jobs], cursor: nextCursor });
      }),
  };
}
