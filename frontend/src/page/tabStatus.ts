// Progress in the title and the icon of the browser tab.
import { useEffect } from "react";
import type { Job } from "../client/index.ts";
import { isRunning, nameOf, percentOf } from "../components/jobs.ts";
import { texts } from "../texts.ts";
import { ICON, type Route } from "./routes.ts";
import type { UploadActivity } from "./uploading.ts";

export interface TabStatus {
  title: string;
  /** 0 to 99 draws a progress ring; null shows the plain icon. */
  percent: number | null;
}

/** `shown` is the job whose page is open, if any. */
export function tabStatusOf(jobs: readonly Job[], shown?: Job): TabStatus {
  if (shown !== undefined && !isRunning(shown)) return { title: titleWithoutProgress(shown), percent: null };
  const counted = shown === undefined ? jobs.filter(isRunning) : [shown];
  const [first] = counted;
  if (first === undefined) return { title: texts.name, percent: null };
  const mean = counted.reduce((sum, job) => sum + (percentOf(job) ?? 0), 0) / counted.length;
  const percent = Math.floor(mean);
  const text = texts.job.percent(String(percent));
  const title = counted.length === 1 ? texts.title.one(text, nameOf(first)) : texts.title.many(text, counted.length);
  return { title: `${title} · ${texts.name}`, percent };
}

/** Of a job that has ended, or that can't be shown. */
function titleWithoutProgress(job: Job): string {
  if (job.problem !== null) return `${texts.jobs.untitled(0)} · ${texts.name}`;
  const title =
    job.status === "completed" ? texts.title.ready(nameOf(job)) : `${texts.status[job.status]}: ${nameOf(job)}`;
  return `${title} · ${texts.name}`;
}

/** What the view of uploads shows in the tab; so does any other one while no download runs. Null if there is nothing. */
export function uploadsTabStatus({ count, percent }: UploadActivity, view: Route["name"]): TabStatus | null {
  if (count === 0)
    return view === "uploads" ? { title: `${texts.views.uploads} · ${texts.name}`, percent: null } : null;
  const text = texts.job.percent(String(percent));
  return { title: `${texts.title.uploading(text, count)} · ${texts.name}`, percent };
}

export function useTabStatus({ title, percent }: TabStatus): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (link !== null) link.href = percent === null ? ICON : ring(percent);
  }, [percent]);
}

/** A progress ring as an SVG data URL. */
export function ring(percent: number): string {
  const circumference = 2 * Math.PI * 12;
  const circle = 'cx="16" cy="16" r="12" fill="none" stroke-width="7"';
  const done = `stroke-dasharray="${((circumference * percent) / 100).toFixed(2)} ${circumference.toFixed(2)}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle ${circle} stroke="#9fb4bb"/><circle ${circle} stroke="#e0a920" ${done} transform="rotate(-90 16 16)"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
