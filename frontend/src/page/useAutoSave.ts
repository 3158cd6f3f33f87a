// Saves results by itself: the jobs for which the user asked for that in this tab.
import { useCallback, useEffect, useMemo, useState } from "react";
import type { AutoSave } from "../components/autoSave.ts";
import { isRunning } from "../components/jobs.ts";
import type { DownloadManager } from "../hooks/index.ts";

const KEY = "haulage.save";

/** Kept for the tab's session, so that another tab does not save the same again. */
export function useAutoSave({ jobs, link }: DownloadManager): AutoSave {
  const [jobIds, setJobIds] = useState(load);
  useEffect(() => store(jobIds), [jobIds]);
  const set = useCallback(
    (jobId: string, on: boolean) => setJobIds((all) => [...all.filter((id) => id !== jobId), ...(on ? [jobId] : [])]),
    [],
  );
  useEffect(() => {
    const ended = jobs.find((job) => jobIds.includes(job.jobId) && !isRunning(job));
    if (ended === undefined) return;
    set(ended.jobId, false);
    if (ended.status === "completed") void save(link(ended.jobId));
  }, [jobs, jobIds, link, set]);
  return useMemo(() => ({ has: (jobId: string) => jobIds.includes(jobId), set }), [jobIds, set]);
}

/** The store sends the file as an attachment, so the page stays. A failure is among the manager's. */
async function save(pending: ReturnType<DownloadManager["link"]>): Promise<void> {
  const outcome = await pending;
  if (outcome.ok) window.location.assign(outcome.value.url);
}

function load(): readonly string[] {
  try {
    return JSON.parse(window.sessionStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}

function store(jobIds: readonly string[]): void {
  try {
    window.sessionStorage.setItem(KEY, JSON.stringify(jobIds));
  } catch {
    // forgotten on reload
  }
}
