// The clock of countdowns and relative times.
import { useEffect, useState } from "react";

/** Milliseconds of Date.now(), updated every `interval` milliseconds while `running`. */
export function useNow(running = true, interval = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [running, interval]);
  return now;
}

/** Seconds until a moment (RFC 3339), counted down and never below 0; null without one. */
export function useSecondsUntil(moment: string | null): number | null {
  const now = useNow(moment !== null);
  return moment === null ? null : Math.max(0, (Date.parse(moment) - now) / 1_000);
}
