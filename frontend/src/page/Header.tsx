import type { ConnectionStatus } from "../client/index.ts";
import { ConnectionBadge } from "../components/ConnectionBadge.tsx";
import { Icon } from "../components/Icon.tsx";
import { texts } from "../texts.ts";
import { Account } from "./Account.tsx";
import type { Notifications } from "./notifications.ts";
import { ICON, navigateOnClick, ROOT } from "./routes.ts";
import { THEMES, type Theme, useTheme } from "./theme.ts";

interface Props {
  connection: ConnectionStatus;
  silence: number | null;
  notifications: Notifications;
}

export function Header({ connection, silence, notifications }: Props) {
  return (
    <header className="top">
      <a className="brand" href={ROOT} onClick={navigateOnClick}>
        <img src={ICON} alt="" width="32" height="32" />
        <span>
          <strong>{texts.name}</strong>
          <small>{texts.tagline}</small>
        </span>
      </a>
      <div className="top-tools">
        <ConnectionBadge connection={connection} silence={silence} />
        <NotificationToggle {...notifications} />
        <ThemeSelect />
        <Account />
      </div>
    </header>
  );
}

function NotificationToggle({ state, toggle }: Notifications) {
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

function ThemeSelect() {
  const [theme, setTheme] = useTheme();
  return (
    <select
      className="themes"
      aria-label={texts.theme.label}
      value={theme}
      onChange={(event) => setTheme(event.target.value as Theme)}
    >
      {THEMES.map((one) => (
        <option key={one} value={one}>
          {texts.theme[one]}
        </option>
      ))}
    </select>
  );
}
