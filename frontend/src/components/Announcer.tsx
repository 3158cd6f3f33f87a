import type { ConnectionStatus, Job } from "../client/index.ts";
import { useAnnouncements } from "./useAnnouncements.ts";

interface Props {
  jobs: readonly Job[];
  connection: ConnectionStatus;
  /** The latest announcement of something else, such as uploads; empty for none. */
  other?: string;
}

/** A polite live region for screen readers. Milestones are announced here, since moving progress bars are too noisy. */
export function Announcer({ jobs, connection, other = "" }: Props) {
  const announcement = useAnnouncements(jobs, connection, other);
  return (
    <p className="visually-hidden" role="status" aria-live="polite">
      {announcement}
    </p>
  );
}
