import type { ReactNode } from "react";
import { operatorTexts } from "../operatorTexts.ts";
import { AccountMenu } from "../page/AccountMenu.tsx";
import { ICON, navigateOnClick, OPERATIONS, ROOT } from "../page/routes.ts";
import type { Session } from "../page/session.ts";
import { ThemeSelect } from "../page/ThemeSelect.tsx";
import { texts } from "../texts.ts";
import { jobsHref, type Route } from "./routes.ts";

interface Props {
  session: Session;
  /** What is open; nothing for those who may not see it. */
  route?: Route;
  children?: ReactNode;
}

export function OperatorHeader({ session, route, children }: Props) {
  const text = operatorTexts.views;
  const views = [
    [OPERATIONS, text.overview, route?.name === "overview"],
    [jobsHref(), text.jobs, route?.name === "jobs" || route?.name === "job"],
  ] as const;
  return (
    <header className="top">
      <a className="brand" href={ROOT}>
        <img src={ICON} alt="" width="32" height="32" />
        <span>
          <strong>{texts.name}</strong>
          <small>{operatorTexts.title}</small>
        </span>
      </a>
      {route && (
        <nav className="views" aria-label={text.label}>
          {views.map(([href, name, isOpen]) => (
            <a key={href} href={href} aria-current={isOpen ? "page" : undefined} onClick={navigateOnClick}>
              {name}
            </a>
          ))}
          <a href={ROOT}>{text.downloads}</a>
        </nav>
      )}
      <div className="top-tools">
        {children}
        <ThemeSelect />
        <AccountMenu {...session} />
      </div>
    </header>
  );
}
