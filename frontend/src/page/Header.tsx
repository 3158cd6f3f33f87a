import type { ReactNode } from "react";
import { texts } from "../texts.ts";
import { AccountMenu } from "./AccountMenu.tsx";
import { ICON, navigateOnClick, ROOT } from "./routes.ts";
import type { Session } from "./session.ts";
import { THEMES, type Theme, useTheme } from "./theme.ts";

/** `children`: what concerns downloads. */
export function Header({ session, children }: { session: Session; children?: ReactNode }) {
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
        {children}
        <ThemeSelect />
        <AccountMenu {...session} />
      </div>
    </header>
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
