import { useEffect, useRef, useState } from "react";
import type { Connection, Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { milestone } from "./milestones.ts";

/** What a screen reader is to say now: milestones of these jobs, and the connection lost and back. */
export function useAnnouncements(jobs: readonly Job[], connection: Connection): string {
  const [said, setSaid] = useState("");
  const before = useRef(new Map<string, Job>());
  const cut = useRef(false);
  useEffect(() => {
    const news = jobs.flatMap((job) => milestone(before.current.get(job.jobId), job) ?? []);
    before.current = new Map(jobs.map((job) => [job.jobId, job]));
    if (news.length > 0) setSaid(news.join(" "));
  }, [jobs]);
  useEffect(() => {
    if (connection === "connecting") return; // neither lost nor back
    const isCut = connection === "offline";
    if (isCut !== cut.current) setSaid(isCut ? texts.announce.offline : texts.announce.back);
    cut.current = isCut;
  }, [connection]);
  return said;
}
