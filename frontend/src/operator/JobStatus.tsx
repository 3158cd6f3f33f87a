import type { Status } from "../client/index.ts";
import { Icon } from "../components/Icon.tsx";
import { STATUS_ICONS } from "../components/StatusBadge.tsx";
import { operatorTexts } from "../operatorTexts.ts";

/** The status in the words of the API, and whether the job ran out of attempts. */
export function JobStatus({ status, dead = false }: { status: Status; dead?: boolean }) {
  return (
    <span className="badge" data-status-badge={status}>
      <Icon name={STATUS_ICONS[status]} />
      {dead ? operatorTexts.dead : operatorTexts.status[status]}
    </span>
  );
}
