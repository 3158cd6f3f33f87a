import { useCallback, useEffect, useState } from "react";
import type { FileSelection, Preflight, Problem } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";

/** Milliseconds without a change before the server is asked. */
const PAUSE = 300;

export interface Checked {
  /** What the server said of a selection that is no more; the one of now is being asked for while `asking`. */
  preflight: Preflight | null;
  problem: Problem | null;
  asking: boolean;
  again(): void;
}

/** What a selection would come to; null asks for nothing. */
export function usePreflight(ask: DownloadManager["preflight"], selection: FileSelection | null): Checked {
  const [preflight, setPreflight] = useState<Preflight | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asking, setAsking] = useState(false);
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round asks again
  useEffect(() => {
    setProblem(null);
    setAsking(selection !== null);
    if (selection === null) return setPreflight(null);
    const left = new AbortController();
    const timer = setTimeout(async () => {
      const outcome = await ask(selection, left.signal);
      if (left.signal.aborted) return;
      setAsking(false);
      if (outcome.ok) setPreflight(outcome.value);
      else setProblem(outcome.problem);
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      left.abort();
    };
  }, [ask, selection, round]);
  const again = useCallback(() => setRound((was) => was + 1), []);
  return { preflight, problem, asking, again };
}
