// The user's uploads on the server, newest first: those of other devices and earlier visits.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Problem } from "../client/index.ts";
import type { components } from "../client/openapi.ts";
import type { ListedUpload } from "../components/uploads/rows.ts";
import { call } from "./requests.ts";

type Page = components["schemas"]["UploadPage"];

/** Milliseconds until the list is fetched again, to find what other devices have begun. */
const AGAIN = 5_000;
const PAGE_SIZE = 50;

export interface UploadList {
  uploads: readonly ListedUpload[];
  /** Undefined before the first response. */
  hasMore: boolean | undefined;
  problem: Problem | null;
  loadMore(): void;
  refresh(): void;
}

/** Fetches the first page again and again while `shown`, and the others as they are needed. */
export function useUploadList(shown: boolean): UploadList {
  const [uploads, setUploads] = useState<readonly ListedUpload[]>([]);
  /** Of the next page; null after the last, undefined before the first. */
  const [cursor, setCursor] = useState<string | null>();
  const [problem, setProblem] = useState<Problem | null>(null);
  const loading = useRef<AbortController>(undefined);

  const load = useCallback(async (from?: string) => {
    loading.current?.abort();
    const { signal } = (loading.current = new AbortController());
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(from === undefined ? {} : { cursor: from }) });
    const outcome = await call<Page>("GET", `v1/upload/jobs?${query}`, { signal });
    if (signal.aborted) return;
    loading.current = undefined;
    setProblem(outcome.ok ? null : outcome.problem);
    if (!outcome.ok) return;
    const { jobs, nextCursor } = outcome.value;
    setUploads((all) => merged(all, jobs));
    setCursor((was) => (from === undefined && was !== undefined ? was : nextCursor));
  }, []);

  useEffect(() => {
    if (!shown) return;
    const refresh = () => {
      if (document.visibilityState === "visible" && loading.current === undefined) void load();
    };
    refresh();
    const timer = setInterval(refresh, AGAIN);
    document.addEventListener("visibilitychange", refresh);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", refresh);
      loading.current?.abort();
      loading.current = undefined;
    };
  }, [shown, load]);

  const loadMore = useCallback(() => {
    if (cursor && loading.current === undefined) void load(cursor);
  }, [cursor, load]);
  const refresh = useCallback(() => void load(), [load]);
  return { uploads, hasMore: cursor === undefined ? undefined : cursor !== null, problem, loadMore, refresh };
}

/** Newest first. What has not changed stays the same object. */
function merged(all: readonly ListedUpload[], page: readonly ListedUpload[]): readonly ListedUpload[] {
  const uploads = new Map(all.map((upload) => [upload.jobId, upload]));
  const changed = page.filter((upload) => JSON.stringify(uploads.get(upload.jobId)) !== JSON.stringify(upload));
  if (changed.length === 0) return all;
  for (const upload of changed) uploads.set(upload.jobId, upload);
  return [...uploads.values()].sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
}
