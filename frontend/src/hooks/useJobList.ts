// The server's list of jobs, page by page.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Client, Problem } from "../client/index.ts";

/** Milliseconds after which a list that could not be had is asked for again: doubled each time, up to the second. */
const PAUSE = 1_000;
const LONGEST_PAUSE = 20_000;

export interface JobList {
  loading: boolean;
  hasMore: boolean;
  /** Why the list could not be had, until it can. */
  problem: Problem | null;
  loadMore(): Promise<void>;
  refresh(): Promise<void>;
}

/** Loads the first page at once, again when somebody comes back to the page, and as long as the server is away. */
export function useJobList(client: Client, wanted: boolean): JobList {
  const [loading, setLoading] = useState(wanted);
  const [problem, setProblem] = useState<Problem | null>(null);
  /** Where the list goes on; null at its end, undefined before its beginning. */
  const [cursor, setCursor] = useState<string | null>();
  const left = useRef(new AbortController());

  const load = useCallback(
    async (from?: string) => {
      const { signal } = left.current;
      setLoading(true);
      const outcome = await client.list({ cursor: from, signal });
      if (signal.aborted) return outcome;
      setLoading(false);
      setProblem(outcome.ok ? null : outcome.problem);
      // A refresh does not forget how far down the list one has been.
      if (outcome.ok)
        setCursor((known) => (from === undefined && known !== undefined ? known : outcome.value.nextCursor));
      return outcome;
    },
    [client],
  );

  useEffect(() => {
    if (!wanted) return;
    left.current = new AbortController();
    const { signal } = left.current;
    let timer: ReturnType<typeof setTimeout>;
    const refresh = async (pause: number) => {
      clearTimeout(timer);
      const outcome = await load();
      if (outcome.ok || signal.aborted) return;
      const delay = (outcome.problem.retryAfter ?? 0) * 1_000 + pause * (0.5 + Math.random() / 2);
      timer = setTimeout(() => refresh(Math.min(LONGEST_PAUSE, 2 * pause)), delay);
    };
    const look = () => void (document.visibilityState === "visible" && refresh(PAUSE));
    void refresh(PAUSE);
    document.addEventListener("visibilitychange", look);
    window.addEventListener("online", look);
    return () => {
      left.current.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("online", look);
    };
  }, [load, wanted]);

  const refresh = useCallback(async () => void (await load()), [load]);
  const loadMore = useCallback(async () => void (cursor && (await load(cursor))), [cursor, load]);
  return { loading, hasMore: Boolean(cursor), problem, loadMore, refresh };
}
