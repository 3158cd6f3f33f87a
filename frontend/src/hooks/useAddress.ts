// The jobs that are open, kept in the address as `?job=…&job=…`, so that they are still open after a reload.
import { useCallback, useMemo, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

export interface Address {
  jobIds: readonly string[];
  open(jobId: string): void;
  close(jobId: string): void;
}

/** The jobs in the address, in its order. */
export function useAddress(): Address {
  const search = useSyncExternalStore(
    subscribe,
    () => window.location.search,
    () => "",
  );
  const jobIds = useMemo(() => [...new Set(new URLSearchParams(search).getAll("job"))], [search]);
  const open = useCallback((jobId: string) => change((ids) => (ids.includes(jobId) ? ids : [jobId, ...ids])), []);
  const close = useCallback((jobId: string) => change((ids) => ids.filter((id) => id !== jobId)), []);
  return { jobIds, open, close };
}

function change(step: (jobIds: string[]) => string[]): void {
  const url = new URL(window.location.href);
  const before = url.searchParams.getAll("job");
  const after = step(before);
  if (after.join() === before.join()) return;
  url.searchParams.delete("job");
  for (const jobId of after) url.searchParams.append("job", jobId);
  window.history.pushState(window.history.state, "", url);
  for (const listener of listeners) listener();
}
