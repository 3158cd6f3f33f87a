import type { Connection } from "../client/index.ts";
import { ConnectionBadge } from "../components/ConnectionBadge.tsx";
import { Icon } from "../components/Icon.tsx";
import { texts } from "../texts.ts";
import type { Notifications } from "./notifications.ts";
import { goOnClick } from "./routes.ts";
import { THEMES, type Theme, useTheme } from "./themes.ts";

export function Header({ connection, notifications }: { connection: Connection; notifications: Notifications }) {
  return (
    <header className="top">
      <a className="brand" href="/" onClick={goOnClick}>
        <img src="/static/icon.svg" alt="" width="32" height="32" />
        <span>
          <strong>{texts.name}</strong>
          <small>{texts.tagline}</small>
        </span>
      </a>
      <div className="top-tools">
        <ConnectionBadge connection={connection} />
        <Notify {...notifications} />
        <Themes />
      </div>
    </header>
  );
}

function Notify({ state, toggle }: Notifications) {
  if (state === "impossible") return null;
  const words = texts.notify;
  const label = state === "denied" ? words.denied : state === "on" ? words.active : words.on;
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

function Themes() {
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
