// Manages the downloads of one server over one connection.
import { useCallback, useMemo, useState } from "react";
import {
  type Accepted,
  type Client,
  type ConnectionStatus,
  ENDED,
  type FilePage,
  type FileSelection,
  type Job,
  type JobStatus,
  type Link,
  type Outcome,
  type Preflight,
  type Problem,
} from "../client/index.ts";
import { useClient, useClientState } from "./useClient.ts";
import { useFailures } from "./useFailures.ts";
import { useFollowedJobs } from "./useFollowedJobs.ts";
import { type JobFilter, matches, useJobList } from "./useJobList.ts";
import { type OpenJobs, useUrlJobs } from "./useUrlJobs.ts";

export interface DownloadManagerOptions {
  /** The client to use. By default that of `<Haulage>`, or else one that all hooks share, for the page's own server. */
  client?: Client;
  /** Keep the open jobs in the URL, as `?job=…&job=…` (default true). */
  syncUrl?: boolean;
  /** Include the user's own jobs from the server's list, and follow those that are running (default true). */
  list?: boolean;
  /** Which jobs `listed` holds; all by default. */
  filter?: JobFilter;
}

const NO_FILTER: JobFilter = {};

/** An action that failed. Kept until it is dismissed or the action is repeated. */
export interface Failure {
  id: number;
  action: "start" | "retry" | "retryFailed" | "cancel" | "link";
  jobId: string | null;
  problem: Problem;
}

export interface DownloadManager {
  client: Client;
  connection: ConnectionStatus;
  /** When the client reconnects automatically (as Date.now(), milliseconds); null while no retry is scheduled. */
  retryAt: number | null;
  reconnect(): void;

  /** All known jobs, newest first; with `list: false` only the open ones. */
  jobs: readonly Job[];
  job(jobId: string): Job | undefined;
  /** Those of `jobs` that match the filter, as far as the server's list has been loaded. */
  listed: readonly Job[];
  /** State of the server's list: whether it is loading, whether there are more pages, and why the last request failed. */
  loading: boolean;
  hasMore: boolean;
  listProblem: Problem | null;
  loadMore(): Promise<void>;
  refresh(): Promise<void>;

  /** Ids of open jobs. They are followed, and survive a reload. */
  openJobIds: readonly string[];
  openJob(jobId: string): void;
  closeJob(jobId: string): void;

  /** Actions. Problems are also added to `failures`. A job that was started is opened. */
  /** Without ids, `start` requests all files of the grant of `<Haulage>`. */
  start(selection?: FileSelection): Promise<Outcome<Accepted>>;
  retry(jobId: string): Promise<Outcome<Accepted>>;
  retryFailed(jobId: string): Promise<Outcome<Accepted>>;
  cancel(jobId: string): Promise<Outcome<JobStatus>>;
  link(jobId: string): Promise<Outcome<Link>>;
  fileUrl(jobId: string): string;
  /** Queries. Problems are only returned. */
  preflight(selection: FileSelection, signal?: AbortSignal): Promise<Outcome<Preflight>>;
  files(options?: Parameters<Client["files"]>[0]): Promise<Outcome<FilePage>>;

  failures: readonly Failure[];
  dismiss(id: number): void;
}

/** HTTP statuses which show that the known state of a job is outdated. Ended jobs are not followed, so it is refetched. */
const OUTDATED: ReadonlySet<number | null> = new Set([409, 410]);

/** The functions keep their identity between renders, and nothing throws. */
export function useDownloadManager(options: DownloadManagerOptions = {}): DownloadManager {
  const { syncUrl = true, list: includeList = true, filter = NO_FILTER } = options;
  const client = useClient(options.client);
  const { connection, retryAt, jobs: known } = useClientState(client);
  const { jobIds: openJobIds, open: openJob, close: closeJob } = useOpenJobs(syncUrl);
  const list = useJobList(client, includeList, filter);
  const { failures, dismiss, track } = useFailures();

  const jobs = useMemo(() => {
    const shown = includeList
      ? [...known.values()].filter(isDownload)
      : openJobIds.flatMap((jobId) => known.get(jobId) ?? []);
    return shown.sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
  }, [known, openJobIds, includeList]);
  useFollowedJobs(client, useStableIds([...running(jobs), ...openJobIds]));

  const actions = useMemo(() => {
    const openStarted = async (pending: Promise<Outcome<Accepted>>) => {
      const outcome = await pending;
      if (outcome.ok) openJob(outcome.value.jobId);
      return outcome;
    };
    const refetchIfOutdated = async <T>(jobId: string, pending: Promise<Outcome<T>>) => {
      const outcome = await pending;
      if (!outcome.ok && OUTDATED.has(outcome.problem.status)) await client.status(jobId);
      return outcome;
    };
    return {
      start: (selection: FileSelection = {}) => track("start", null, openStarted(client.start(selection))),
      retry: (jobId: string) => track("retry", jobId, refetchIfOutdated(jobId, client.retry(jobId))),
      retryFailed: (jobId: string) => track("retryFailed", jobId, openStarted(client.retryFailed(jobId))),
      cancel: (jobId: string) => track("cancel", jobId, refetchIfOutdated(jobId, client.cancel(jobId))),
      link: (jobId: string) => track("link", jobId, refetchIfOutdated(jobId, client.link(jobId))),
      fileUrl: (jobId: string) => client.fileUrl(jobId),
      preflight: (selection: FileSelection, signal?: AbortSignal) => client.preflight(selection, { signal }),
      files: (options?: Parameters<Client["files"]>[0]) => client.files(options),
      reconnect: () => client.reconnect(),
      job: (jobId: string) => client.getState().jobs.get(jobId),
    };
  }, [client, track, openJob]);

  const { problem: listProblem, until, ...pages } = list;
  const listed = useMemo(() => {
    const isLoaded = ({ jobId, createdAt }: Job) =>
      until === null || Date.parse(createdAt) >= Date.parse(until) || openJobIds.includes(jobId);
    return jobs.filter((job) => job.problem === null && matches(job, filter) && isLoaded(job));
  }, [jobs, filter, until, openJobIds]);
  return {
    client,
    connection,
    retryAt,
    jobs,
    listed,
    listProblem,
    ...pages,
    openJobIds,
    openJob,
    closeJob,
    ...actions,
    failures,
    dismiss,
  };
}

/** The client follows uploads and previews that are made, too. A job of which nothing is known yet may be one of them. */
function isDownload({ detail, title, filesTotal, problem }: Job): boolean {
  if (detail === null) return title !== null || filesTotal > 0 || problem !== null;
  return detail.upload === undefined && (detail.kind ?? "download") === "download";
}

function running(jobs: readonly Job[]): string[] {
  return jobs.filter((job) => job.problem === null && !ENDED.has(job.status)).map((job) => job.jobId);
}

/** Distinct ids, as the same array until they change. */
function useStableIds(jobIds: readonly string[]): readonly string[] {
  const key = [...new Set(jobIds)].sort().join();
  return useMemo(() => (key === "" ? [] : key.split(",")), [key]);
}

/** The open jobs, kept in the URL or only in memory. */
function useOpenJobs(syncUrl: boolean): OpenJobs {
  const inUrl = useUrlJobs();
  const [jobIds, setJobIds] = useState<readonly string[]>([]);
  const open = useCallback((jobId: string) => setJobIds((ids) => (ids.includes(jobId) ? ids : [jobId, ...ids])), []);
  const close = useCallback((jobId: string) => setJobIds((ids) => ids.filter((id) => id !== jobId)), []);
  const inMemory = useMemo(() => ({ jobIds, open, close }), [jobIds, open, close]);
  return syncUrl ? inUrl : inMemory;
}
