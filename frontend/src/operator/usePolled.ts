import { useCallback, useEffect, useRef, useState } from "react";
import type { Outcome, Problem } from "../client/index.ts";

interface Polled<T> {
  /** Undefined until it was loaded once, and after `load` has changed. */
  value: T | undefined;
  /** Why the last request failed. */
  problem: Problem | null;
  reload(): Promise<void>;
}

/**
 * What `load` fetches: when the component is mounted, when `load` changes, on `reload`, and again `interval` milliseconds
 * after each response while the page is visible. Responses that others have overtaken are discarded.
 */
export function usePolled<T>(
  load: (signal: AbortSignal) => Promise<Outcome<T>>,
  interval: number | ((value: T | undefined) => number | null),
): Polled<T> {
  const [state, setState] = useState<{ load: typeof load; value?: T; problem: Problem | null }>({
    load,
    problem: null,
  });
  const latest = useRef(interval);
  latest.current = interval;
  const abort = useRef<AbortController>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const reload = useCallback(async () => {
    abort.current?.abort();
    clearTimeout(timer.current);
    const own = new AbortController();
    abort.current = own;
    const outcome = await load(own.signal);
    if (own.signal.aborted) return;
    setState((was) =>
      outcome.ok
        ? { load, value: outcome.value, problem: null }
        : { ...(was.load === load ? was : { load }), problem: outcome.problem },
    );
    const given = latest.current;
    const delay = typeof given === "number" ? given : given(outcome.ok ? outcome.value : undefined);
    if (delay !== null && document.visibilityState === "visible") timer.current = setTimeout(reload, delay);
  }, [load]);

  useEffect(() => {
    const onVisible = () => void (document.visibilityState === "visible" && reload());
    void reload();
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      abort.current?.abort();
      clearTimeout(timer.current);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [reload]);

  const isCurrent = state.load === load;
  return { value: isCurrent ? state.value : undefined, problem: isCurrent ? state.problem : null, reload };
}
