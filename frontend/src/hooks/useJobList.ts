// The server's list of jobs, page by page.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Client, Problem } from "../client/index.ts";

/** Milliseconds until a failed request is retried. Doubles with each failure, up to the maximum. */
const RETRY_DELAY = 1_000;
const MAX_RETRY_DELAY = 20_000;

export interface JobList {
  loading: boolean;
  hasMore: boolean;
  /** Why the last request failed; null after a success. */
  problem: Problem | null;
  loadMore(): Promise<void>;
  refresh(): Promise<void>;
}

/** Loads the first page on mount, whenever the page becomes visible or online again, and with retries while that fails. */
export function useJobList(client: Client, enabled: boolean): JobList {
  const [loading, setLoading] = useState(enabled);
  const [problem, setProblem] = useState<Problem | null>(null);
  /** Cursor of the next page; null after the last page, undefined before the first response. */
  const [cursor, setCursor] = useState<string | null>();
  const abort = useRef(new AbortController());

  const load = useCallback(
    async (from?: string) => {
      const { signal } = abort.current;
      setLoading(true);
      const outcome = await client.list({ cursor: from, signal });
      if (signal.aborted) return outcome;
      setLoading(false);
      setProblem(outcome.ok ? null : outcome.problem);
      // A refresh keeps the position in the list.
      if (outcome.ok)
        setCursor((known) => (from === undefined && known !== undefined ? known : outcome.value.nextCursor));
      return outcome;
    },
    [client],
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

  const refresh = useCallback(async () => void (await load()), [load]);
  const loadMore = useCallback(async () => void (cursor && (await load(cursor))), [cursor, load]);
  return { loading, hasMore: Boolean(cursor), problem, loadMore, refresh };
}
