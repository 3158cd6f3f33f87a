// The server's list of jobs, page by page, filtered by status and name.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Client, Job, Problem, Status } from "../client/index.ts";

/** Milliseconds until a failed request is retried. Doubles with each failure, up to the maximum. */
const RETRY_DELAY = 1_000;
const MAX_RETRY_DELAY = 20_000;
/** How many jobs a search looks for before it waits for `loadMore`. */
const ENOUGH = 50;

export interface JobFilter {
  /** Only jobs in one of these statuses; all if there is none. */
  status?: readonly Status[];
  /** Only jobs whose title contains this text, whatever its case. */
  q?: string;
}

export interface JobList {
  loading: boolean;
  hasMore: boolean;
  /** Why the last request failed; null after a success. */
  problem: Problem | null;
  loadMore(): Promise<void>;
  refresh(): Promise<void>;
}

interface Position {
  /** Cursor of the next page; null after the last page. */
  cursor: string | null;
  /** Creation of the last job before it; older jobs were not listed yet. */
  until: string | null;
}

/** Whether a job that is known already belongs to the list. */
export function matches(job: Job, { status = [], q = "" }: JobFilter): boolean {
  const title = job.title ?? job.archiveName ?? "";
  return (status.length === 0 || status.includes(job.status)) && title.toLowerCase().includes(q.toLowerCase());
}

/** Loads the first page on mount, whenever the page becomes visible or online again, and with retries while that fails. */
export function useJobList(client: Client, enabled: boolean, filter: JobFilter): JobList & Pick<Position, "until"> {
  const [loading, setLoading] = useState(enabled);
  const [problem, setProblem] = useState<Problem | null>(null);
  /** Undefined before the first response. */
  const [position, setPosition] = useState<Position>();
  const abort = useRef(new AbortController());
  const status = filter.status?.join() || undefined;
  const q = filter.q?.trim() || undefined;

  const load = useCallback(
    async (from?: string) => {
      const { signal } = abort.current;
      setLoading(true);
      let cursor: string | null | undefined = from;
      let reached: Position | undefined;
      let found = 0;
      for (;;) {
        const outcome = await client.list({ cursor, status, q, signal });
        if (signal.aborted) return outcome;
        setProblem(outcome.ok ? null : outcome.problem);
        if (outcome.ok) {
          const { jobs, nextCursor } = outcome.value;
          const until = nextCursor === null ? null : (jobs.at(-1)?.createdAt ?? null);
          const [before, after] = [reached, { cursor: nextCursor, until }];
          // A refresh keeps the position in the list.
          setPosition((was) => (from === undefined && was !== undefined && was !== before ? was : after));
          reached = after;
          cursor = nextCursor;
          found += jobs.length;
          // One request compares a limited number of names, so a search takes several.
          if (q !== undefined && cursor !== null && found < ENOUGH) continue;
        }
        setLoading(false);
        return outcome;
      }
    },
    [client, status, q],
  );

  useEffect(() => {
    if (!enabled) return;
    abort.current = new AbortController();
    const { signal } = abort.current;
    let timer: ReturnType<typeof setTimeout>;
    const refresh = async (backoff: number) => {
      clearTimeout(timer);
      const outcome = await load();
      if (outcome.ok || signal.aborted) return;
      const delay = (outcome.problem.retryAfter ?? 0) * 1_000 + backoff * (0.5 + Math.random() / 2);
      timer = setTimeout(() => refresh(Math.min(MAX_RETRY_DELAY, 2 * backoff)), delay);
    };
    const refreshIfVisible = () => void (document.visibilityState === "visible" && refresh(RETRY_DELAY));
    setPosition(undefined);
    void refresh(RETRY_DELAY);
    document.addEventListener("visibilitychange", refreshIfVisible);
    window.addEventListener("online", refreshIfVisible);
    return () => {
      abort.current.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", refreshIfVisible);
      window.removeEventListener("online", refreshIfVisible);
    };
  }, [load, enabled]);

  const { cursor = null, until = null } = position ?? {};
  const refresh = useCallback(async () => void (await load()), [load]);
  const loadMore = useCallback(async () => void (cursor && (await load(cursor))), [cursor, load]);
  return { loading, hasMore: cursor !== null, until, problem, loadMore, refresh };
}
