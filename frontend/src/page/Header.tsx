import type { ReactNode } from "react";
import { texts } from "../texts.ts";
import { AccountMenu } from "./AccountMenu.tsx";
import { ICON, navigateOnClick, OPERATIONS, ROOT, type Route, UPLOADS } from "./routes.ts";
import type { Session } from "./session.ts";
import { ThemeSelect } from "./ThemeSelect.tsx";

/** Roles for which there is the operators' page. */
const STAFF: unknown[] = ["support", "operator", "admin"];

interface Props {
  session: Session;
  /** Which view is open; none for who has to sign in first. */
  view?: Route["name"];
  /** How far uploads are, in percent; null while there are none. */
  uploaded?: number | null;
  /** What concerns downloads. */
  children?: ReactNode;
}

export function Header({ session, view, uploaded = null, children }: Props) {
  return (
    <header className="top">
      <a className="brand" href={ROOT} onClick={navigateOnClick}>
        <img src={ICON} alt="" width="32" height="32" />
        <span>
          <strong>{texts.name}</strong>
          <small>{texts.tagline}</small>
        </span>
      </a>
      {view && <Views view={view} uploaded={uploaded} />}
      <div className="top-tools">
        {children}
        <ThemeSelect />
        <AccountMenu {...session} onOpen={navigateOnClick}>
          {STAFF.includes(session.caller?.role) && (
            <a className="button quiet" href={OPERATIONS}>
              {texts.account.operations}
            </a>
          )}
        </AccountMenu>
      </div>
    </header>
  );
}

function Views({ view, uploaded }: { view: Route["name"]; uploaded: number | null }) {
  const text = texts.views;
  return (
    <nav className="views" aria-label={text.label}>
      <a href={ROOT} aria-current={view === "home" ? "page" : undefined} onClick={navigateOnClick}>
        {text.downloads}
      </a>
      <a href={UPLOADS} aria-current={view === "uploads" ? "page" : undefined} onClick={navigateOnClick}>
        {text.uploads}
        {uploaded !== null && <span className="count">{texts.job.percent(String(uploaded))}</span>}
      </a>
    </nav>
  );
}
