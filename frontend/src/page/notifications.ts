// System notifications when a download ends while the page is hidden, for users who turned them on.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Job } from "../client/index.ts";
import { isRunning, nameOf } from "../components/jobs.ts";
import { loadPreference, savePreference } from "../components/preferences.ts";
import { texts } from "../texts.ts";
import { hrefOf, ICON } from "./routes.ts";

const KEY = "haulage.notify";

export interface Notifications {
  state: "off" | "on" | "denied" | "unsupported";
  toggle(): Promise<void>;
}

export function useNotifications(jobs: readonly Job[]): Notifications {
  const [state, setState] = useState(currentState);
  const toggle = useCallback(async () => {
    const enable = currentState() !== "on";
    if (enable) await Notification.requestPermission();
    savePreference(KEY, enable ? "on" : "off");
    setState(currentState());
  }, []);
  useNotifyOnEnd(jobs, state === "on");
  return { state, toggle };
}

function currentState(): Notifications["state"] {
  if (!("Notification" in window) || !window.isSecureContext) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && loadPreference(KEY) === "on" ? "on" : "off";
}

/** Notifies of jobs that were running before and have ended. */
function useNotifyOnEnd(jobs: readonly Job[], on: boolean): void {
  const wasRunning = useRef<ReadonlySet<string>>(new Set());
  useEffect(() => {
    for (const job of jobs) {
      if (wasRunning.current.has(job.jobId) && !isRunning(job) && on && document.visibilityState === "hidden")
        notify(job);
    }
    wasRunning.current = new Set(jobs.filter(isRunning).map((job) => job.jobId));
  }, [jobs, on]);
}

function notify(job: Job): void {
  if (job.status !== "completed" && job.status !== "failed") return;
  const text = texts.notify;
  const title = job.status === "completed" ? text.ready(nameOf(job)) : text.failed(nameOf(job));
  try {
    const shown = new Notification(title, { body: text.body, tag: job.jobId, icon: ICON });
    shown.onclick = () => {
      window.focus();
      window.location.assign(hrefOf(job.jobId));
    };
  } catch {
    // mobile browsers require a service worker
  }
}
