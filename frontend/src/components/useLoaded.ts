import { useCallback, useEffect, useState } from "react";
import type { Outcome, Problem } from "../client/index.ts";

interface Loaded<T> {
  /** Undefined until it was loaded once. */
  value: T | undefined;
  /** Why the last request failed. */
  problem: Problem | null;
  reload(): Promise<void>;
}

/** What `load` fetches, when the component is mounted, when `load` changes, and on `reload`. */
export function useLoaded<T>(load: () => Promise<Outcome<T>>): Loaded<T> {
  const [state, setState] = useState<{ value?: T; problem: Problem | null }>({ problem: null });
  const reload = useCallback(async () => {
    const outcome = await load();
    setState((was) => (outcome.ok ? { value: outcome.value, problem: null } : { ...was, problem: outcome.problem }));
  }, [load]);
  useEffect(() => void reload(), [reload]);
  return { value: state.value, problem: state.problem, reload };
}
