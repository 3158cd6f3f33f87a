// Downloads of one server, many at once over one connection.
import { useCallback, useMemo, useState } from "react";
import {
  type Accepted,
  type Client,
  type Connection,
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
import { useAddress } from "./useAddress.ts";
import { sharedClient, useClientState } from "./useClient.ts";
import { useFailures } from "./useFailures.ts";
import { useFollowing } from "./useFollowing.ts";
import { useJobList } from "./useJobList.ts";

export interface DownloadManagerOptions {
  /** Which server. All hooks of a page share a client of the page's own server unless one is given. */
  client?: Client;
  /** Keep the open jobs in the address, as `?job=…&job=…` (default true). */
  address?: boolean;
  /** Show own jobs from the server's list, and follow those that run (default true). */
  list?: boolean;
}

/** What could not be done, until it is dismissed or done. */
export interface Failure {
  id: number;
  action: "start" | "retry" | "retryFailed" | "cancel" | "link";
  jobId: string | null;
  problem: Problem;
}

export interface DownloadManager {
  client: Client;
  connection: Connection;
  /** Milliseconds of Date.now() at which the client tries again by itself; null where it need not. */
  retryAt: number | null;
  reconnect(): void;

  /** All known jobs, newest first; with `list: false` only the open ones. */
  jobs: readonly Job[];
  job(jobId: string): Job | undefined;
  /** Whether the server's list is asked for right now, whether there is more of it, and why it could not be had. */
  loading: boolean;
  hasMore: boolean;
  listProblem: Problem | null;
  loadMore(): Promise<void>;
  refresh(): Promise<void>;

  /** Jobs that are open: they are followed, and still there after a reload. */
  open: readonly string[];
  openJob(jobId: string): void;
  closeJob(jobId: string): void;

  /** These put what goes wrong into `failures`, too. A job that was started is opened. */
  start(selection: FileSelection): Promise<Outcome<Accepted>>;
  retry(jobId: string): Promise<Outcome<Accepted>>;
  retryFailed(jobId: string): Promise<Outcome<Accepted>>;
  cancel(jobId: string): Promise<Outcome<JobStatus>>;
  link(jobId: string): Promise<Outcome<Link>>;
  fileUrl(jobId: string): string;
  /** These tell only whom they are asked by. */
  preflight(selection: FileSelection, signal?: AbortSignal): Promise<Outcome<Preflight>>;
  files(options?: Parameters<Client["files"]>[0]): Promise<Outcome<FilePage>>;

  failures: readonly Failure[];
  dismiss(id: number): void;
}

/** Answers by which a job is not what it seemed to be: an ended one is not followed, and may have moved since. */
const MOVED: ReadonlySet<number | null> = new Set([409, 410]);

/** All functions stay the same from render to render. Nothing throws. */
export function useDownloadManager(options: DownloadManagerOptions = {}): DownloadManager {
  const { client = sharedClient(), address = true, list: wantsList = true } = options;
  const { connection, retryAt, jobs: known } = useClientState(client);
  const open = useOpenJobs(address);
  const { open: openJob } = open;
  const list = useJobList(client, wantsList);
  const { failures, dismiss, noting } = useFailures();

  const jobs = useMemo(() => {
    const shown = wantsList ? [...known.values()] : open.jobIds.flatMap((jobId) => known.get(jobId) ?? []);
    return shown.sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
  }, [known, open.jobIds, wantsList]);
  useFollowing(client, useSteady([...running(jobs), ...open.jobIds]));

  const actions = useMemo(() => {
    const opening = async (asked: Promise<Outcome<Accepted>>) => {
      const outcome = await asked;
      if (outcome.ok) openJob(outcome.value.jobId);
      return outcome;
    };
    const looking = async <T>(jobId: string, asked: Promise<Outcome<T>>) => {
      const outcome = await asked;
      if (!outcome.ok && MOVED.has(outcome.problem.status)) await client.status(jobId);
      return outcome;
    };
    return {
      start: (selection: FileSelection) => noting("start", null, opening(client.start(selection))),
      retry: (jobId: string) => noting("retry", jobId, looking(jobId, client.retry(jobId))),
      retryFailed: (jobId: string) => noting("retryFailed", jobId, opening(client.retryFailed(jobId))),
      cancel: (jobId: string) => noting("cancel", jobId, looking(jobId, client.cancel(jobId))),
      link: (jobId: string) => noting("link", jobId, looking(jobId, client.link(jobId))),
      fileUrl: (jobId: string) => client.fileUrl(jobId),
      preflight: (selection: FileSelection, signal?: AbortSignal) => client.preflight(selection, { signal }),
      files: (wanted?: Parameters<Client["files"]>[0]) => client.files(wanted),
      reconnect: () => client.reconnect(),
      job: (jobId: string) => client.getState().jobs.get(jobId),
    };
  }, [client, noting, openJob]);

  const { problem: listProblem, ...listed } = list;
  const opened = { open: open.jobIds, openJob, closeJob: open.close };
  return { client, connection, retryAt, jobs, listProblem, ...listed, ...opened, ...actions, failures, dismiss };
}

function running(jobs: readonly Job[]): string[] {
  return jobs.filter((job) => job.problem === null && !ENDED.has(job.status)).map((job) => job.jobId);
}

/** The same array as long as it holds the same. */
function useSteady(jobIds: readonly string[]): readonly string[] {
  const key = [...new Set(jobIds)].sort().join();
  return useMemo(() => (key === "" ? [] : key.split(",")), [key]);
}

/** The open jobs, in the address or only in memory. */
function useOpenJobs(address: boolean) {
  const inAddress = useAddress();
  const [jobIds, setJobIds] = useState<readonly string[]>([]);
  const open = useCallback((jobId: string) => setJobIds((ids) => (ids.includes(jobId) ? ids : [jobId, ...ids])), []);
  const close = useCallback((jobId: string) => setJobIds((ids) => ids.filter((id) => id !== jobId)), []);
  const inMemory = useMemo(() => ({ jobIds, open, close }), [jobIds, open, close]);
  return address ? inAddress : inMemory;
}
