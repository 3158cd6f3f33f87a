import { Icon } from "../components/Icon.tsx";
import { texts } from "../texts.ts";
import type { Notifications } from "./notifications.ts";

export function NotificationToggle({ state, toggle }: Notifications) {
  if (state === "unsupported") return null;
  const text = texts.notify;
  const label = state === "denied" ? text.denied : state === "on" ? text.active : text.on;
  return (
    <button
      type="button"
      className="icon-button"
      aria-pressed={state === "on"}
      aria-disabled={state === "denied" || undefined}
      aria-label={label}
      title={label}
      onClick={state === "denied" ? undefined : toggle}
    >
      <Icon name="bell" />
    </button>
  );
}
