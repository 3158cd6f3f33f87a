import { useCallback, useEffect, useState } from "react";
import type { FileSelection, Preflight, Problem } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";

/** Milliseconds without a change before a request is sent. */
const DEBOUNCE = 300;

export interface Checked {
  /** The last response. While `checking`, it belongs to an earlier selection. */
  preflight: Preflight | null;
  problem: Problem | null;
  checking: boolean;
  retry(): void;
}

/** Checks a selection on the server before the download starts. Null sends no request. */
export function usePreflight(check: DownloadManager["preflight"], selection: FileSelection | null): Checked {
  const [preflight, setPreflight] = useState<Preflight | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [checking, setChecking] = useState(false);
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round sends the request again
  useEffect(() => {
    setProblem(null);
    setChecking(selection !== null);
    if (selection === null) return setPreflight(null);
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      const outcome = await check(selection, abort.signal);
      if (abort.signal.aborted) return;
      setChecking(false);
      if (outcome.ok) setPreflight(outcome.value);
      else setProblem(outcome.problem);
    }, DEBOUNCE);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [check, selection, round]);
  const retry = useCallback(() => setRound((was) => was + 1), []);
  return { preflight, problem, checking, retry };
}
