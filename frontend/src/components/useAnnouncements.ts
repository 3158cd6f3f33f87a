import { useEffect, useRef, useState } from "react";
import type { ConnectionStatus, Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { announcementOf } from "./announcements.ts";

/** The current announcement for screen readers: changes of these jobs, a lost or restored connection, or another one. */
export function useAnnouncements(jobs: readonly Job[], connection: ConnectionStatus, other = ""): string {
  const [text, setText] = useState("");
  const before = useRef(new Map<string, Job>());
  const wasOffline = useRef(false);
  useEffect(() => {
    const changes = jobs.flatMap((job) => announcementOf(before.current.get(job.jobId), job) ?? []);
    before.current = new Map(jobs.map((job) => [job.jobId, job]));
    if (changes.length > 0) setText(changes.join(" "));
  }, [jobs]);
  useEffect(() => {
    if (connection === "connecting") return; // neither lost nor restored
    const isOffline = connection === "offline";
    if (isOffline !== wasOffline.current) setText(isOffline ? texts.announce.offline : texts.announce.back);
    wasOffline.current = isOffline;
  }, [connection]);
  useEffect(() => {
    if (other !== "") setText(other);
  }, [other]);
  return text;
}
