import { useCallback, useEffect, useRef, useState } from "react";

/** Runs one action at a time. `busy` while one is running; further calls are ignored. */
export function useAction(): [busy: boolean, run: <T>(action: () => Promise<T>) => Promise<T | undefined>] {
  const [busy, setBusy] = useState(false);
  const running = useRef(false);
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  const run = useCallback(async <T>(action: () => Promise<T>) => {
    if (running.current) return undefined;
    running.current = true;
    setBusy(true);
    const value = await action();
    running.current = false;
    if (mounted.current) setBusy(false);
    return value;
  }, []);
  return [busy, run];
}
