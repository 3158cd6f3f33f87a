import { useCallback, useEffect, useSyncExternalStore } from "react";
import {
  type Client,
  ENDED,
  type FileDetail,
  type Job,
  type Problem,
  type ProcessingSummary,
} from "../../client/index.ts";
import { useClient } from "../../hooks/useClient.ts";
import { fileDetailsOf } from "./fileDetails.ts";

/** What lists and details say of the previews of a file. */
export type PreviewFacts = Pick<FileDetail, "thumbnailId" | "processing">;

/** The previews of a file. */
export interface Preview {
  /** The file that shows it in small; null until there is one. */
  thumbnailId: number | null;
  /** The job that makes its previews; null if there is none, and while that is not known. */
  processing: ProcessingSummary | null;
  /** The file and what was made of it; undefined until it was fetched, which may not be needed. */
  detail: FileDetail | undefined;
  /** Why it could not be fetched. */
  problem: Problem | null;
  /** The job as it is followed, or was. */
  job: Job | undefined;
  /** The job has not ended. */
  isMaking: boolean;
  /** Fetches the file again. */
  reload(): void;
}

interface Options {
  client?: Client;
  /** What a list has said of the file: it is fetched only once that has changed. */
  known?: PreviewFacts | null;
  /** Fetches the file in any case, and its job also if that has ended. */
  always?: boolean;
}

const NONE = { detail: undefined, problem: null };

/** Follows the job that makes previews of a file, and fetches the file whenever another one was made. Null: no file. */
export function usePreview(
  fileId: number | null,
  { client: given, known = null, always = false }: Options = {},
): Preview {
  const client = useClient(given);
  const details = fileDetailsOf(client);
  const read = () => (fileId === null ? NONE : details.get(fileId));
  const { detail, problem } = useSyncExternalStore(details.subscribe, read, read);
  const isNeeded = detail === undefined && (always || known === null);
  useEffect(() => {
    if (fileId !== null && isNeeded) void details.load(fileId);
  }, [details, fileId, isNeeded]);

  const facts = detail === undefined || (isOpen(detail) && !isOpen(known)) ? (known ?? detail) : detail;
  const { thumbnailId = null, processing = null } = facts ?? {};
  const isMaking = isOpen(facts ?? null);
  const job = useFollowedJob(client, isMaking || always ? (processing?.jobId ?? null) : null);
  const changed = isMaking ? versionOf(job) : null;
  useEffect(() => {
    if (fileId !== null && changed !== null) void details.load(fileId);
  }, [details, fileId, changed]);
  const reload = useCallback(() => void (fileId !== null && details.load(fileId)), [details, fileId]);
  return { thumbnailId, processing, detail, problem, job, isMaking, reload };
}

function isOpen(facts: PreviewFacts | null): boolean {
  return facts !== null && facts.processing !== null && !ENDED.has(facts.processing.status);
}

/** Follows a job while there is one. */
function useFollowedJob(client: Client, jobId: string | null): Job | undefined {
  useEffect(() => (jobId === null ? undefined : client.follow(jobId)), [client, jobId]);
  const read = useCallback(() => (jobId === null ? undefined : client.getState().jobs.get(jobId)), [client, jobId]);
  return useSyncExternalStore(client.subscribe, read, read);
}

/** Changes whenever the job has made another preview, and when it ends; null before that. */
function versionOf(job: Job | undefined): string | null {
  if (!job?.detail) return null;
  const { filesDone } = job.detail.progress;
  return filesDone > 0 || ENDED.has(job.status) ? `${job.status} ${filesDone}` : null;
}
