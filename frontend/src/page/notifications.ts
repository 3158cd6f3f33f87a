// A notification of the system when a download ends, for those who ask for it and look elsewhere.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Job } from "../client/index.ts";
import { isRunning, nameOf } from "../components/names.ts";
import { texts } from "../texts.ts";
import { hrefOf } from "./routes.ts";
import { keep, kept } from "./storage.ts";

const KEY = "haulage.notify";

export interface Notifications {
  state: "off" | "on" | "denied" | "impossible";
  toggle(): Promise<void>;
}

export function useNotifications(jobs: readonly Job[]): Notifications {
  const [state, setState] = useState(now);
  const toggle = useCallback(async () => {
    const wanted = now() !== "on";
    if (wanted) await Notification.requestPermission();
    keep(KEY, wanted ? "on" : "off");
    setState(now());
  }, []);
  useEnded(jobs, state === "on");
  return { state, toggle };
}

function now(): Notifications["state"] {
  if (!("Notification" in window) || !window.isSecureContext) return "impossible";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && kept(KEY) === "on" ? "on" : "off";
}

/** Tells of jobs that were seen running and have come to an end. */
function useEnded(jobs: readonly Job[], on: boolean): void {
  const ran = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    for (const job of jobs) {
      if (ran.current.has(job.jobId) && !isRunning(job) && on && document.visibilityState === "hidden") tell(job);
    }
    ran.current = new Set(jobs.filter(isRunning).map((job) => job.jobId));
  }, [jobs, on]);
}

function tell(job: Job): void {
  if (job.status !== "completed" && job.status !== "failed") return;
  const words = texts.notify;
  const title = job.status === "completed" ? words.ready(nameOf(job)) : words.failed(nameOf(job));
  try {
    const shown = new Notification(title, { body: words.body, tag: job.jobId, icon: "/static/icon.svg" });
    shown.onclick = () => {
      window.focus();
      window.location.assign(hrefOf(job.jobId));
    };
  } catch {
    // phones want a service worker for it
  }
}
