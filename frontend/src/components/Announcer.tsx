import type { ConnectionStatus, Job } from "../client/index.ts";
import { useAnnouncements } from "./useAnnouncements.ts";

/** A polite live region for screen readers. Milestones are announced here, since moving progress bars are too noisy. */
export function Announcer({ jobs, connection }: { jobs: readonly Job[]; connection: ConnectionStatus }) {
  const announcement = useAnnouncements(jobs, connection);
  return (
    <p className="visually-hidden" role="status" aria-live="polite">
      {announcement}
    </p>
  );
}
