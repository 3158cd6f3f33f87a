// Whether the server responds while no job is followed: nothing else would notice then that it does not.
import { useCallback, useEffect, useRef, useState } from "react";
import { ROOT } from "./routes.ts";

/** Milliseconds between two probes, and until one has failed: together less than 15 s. */
const INTERVAL = 9_000;
const DEADLINE = 5_000;
/** How many connections a browser keeps to a server, over HTTP/1.1. After a break all of them may be dead. */
const CONNECTIONS = 6;
/** From this HTTP status on it is a proxy that responds, since the gateway does not. */
const BAD_GATEWAY = 502;

export interface Reachability {
  isReachable: boolean;
  /** Probes now. */
  check(): void;
}

/** Probes the server while `enabled` and the page is visible, with a request that needs no database. */
export function useReachability(enabled: boolean): Reachability {
  const [isReachable, setReachable] = useState(true);
  /** How many requests a probe sends: when one has failed, as many as find a new connection. */
  const requests = useRef(1);
  const [checks, setChecks] = useState(0);
  const check = useCallback(() => setChecks((count) => count + 1), []);
  useEffect(() => {
    if (!enabled) return setReachable(true);
    let timer: ReturnType<typeof setTimeout>;
    const abort = new AbortController();
    const { signal } = abort;
    const schedule = () => {
      if (document.visibilityState === "visible") timer = setTimeout(probe, INTERVAL);
    };
    const probe = async () => {
      const pings = Array.from({ length: requests.current }, () => ping(signal));
      const responds = await Promise.any(pings).catch(() => false);
      if (signal.aborted) return;
      requests.current = responds ? 1 : CONNECTIONS;
      setReachable(responds);
      schedule();
    };
    const onPresence = () => (document.visibilityState === "visible" ? check() : clearTimeout(timer));
    for (const type of ["online", "offline"]) window.addEventListener(type, onPresence, { signal });
    document.addEventListener("visibilitychange", onPresence, { signal });
    if (checks > 0) void probe();
    else schedule();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [enabled, checks, check]);
  return { isReachable, check };
}

/** Throws if there is no response. */
async function ping(signal: AbortSignal): Promise<boolean> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), DEADLINE);
  try {
    const response = await fetch(`${ROOT}health/live`, {
      cache: "no-store",
      signal: AbortSignal.any([signal, deadline.signal]),
    });
    return response.status < BAD_GATEWAY;
  } finally {
    clearTimeout(timer);
  }
}
