import type { Status } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Icon, type IconName } from "./Icon.tsx";

export const STATUS_ICONS: Record<Status, IconName> = {
  receiving: "clock",
  queued: "clock",
  processing: "box",
  retrying: "retry",
  completed: "check",
  failed: "warn",
  cancelled: "minus",
  expired: "clock",
};

export function StatusBadge({ status }: { status: Status }) {
  return (
    <span className="badge" data-status-badge={status}>
      <Icon name={STATUS_ICONS[status]} />
      {texts.status[status]}
    </span>
  );
}
