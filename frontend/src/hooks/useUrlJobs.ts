// The open jobs, kept in the URL as `?job=…&job=…`, so that they survive a reload.
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

export interface OpenJobs {
  jobIds: readonly string[];
  open(jobId: string): void;
  close(jobId: string): void;
}

/** The jobs in the URL, in its order. */
export function useUrlJobs(): OpenJobs {
  const search = useSyncExternalStore(
    subscribe,
    () => window.location.search,
    () => "",
  );
  const jobIds = useMemo(() => [...new Set(new URLSearchParams(search).getAll("job"))], [search]);
  const open = useCallback((jobId: string) => update((ids) => (ids.includes(jobId) ? ids : [jobId, ...ids])), []);
  const close = useCallback((jobId: string) => update((ids) => ids.filter((id) => id !== jobId)), []);
  return { jobIds, open, close };
}

function update(change: (jobIds: string[]) => string[]): void {
  const url = new URL(window.location.href);
  const before = url.searchParams.getAll("job");
  const after = change(before);
  if (after.join() === before.join()) return;
  url.searchParams.delete("job");
  for (const jobId of after) url.searchParams.append("job", jobId);
  window.history.pushState(window.history.state, "", url);
  for (const listener of listeners) listener();
}
