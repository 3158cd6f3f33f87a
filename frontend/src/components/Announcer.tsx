import type { Connection, Job } from "../client/index.ts";
import { useAnnouncements } from "./useAnnouncements.ts";

/** Speaks, politely and apart from what is seen: bars that move all the time are not for the ears. */
export function Announcer({ jobs, connection }: { jobs: readonly Job[]; connection: Connection }) {
  const said = useAnnouncements(jobs, connection);
  return (
    <p className="unseen" role="status" aria-live="polite">
      {said}
    </p>
  );
}
