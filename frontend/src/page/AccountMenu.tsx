import { type MouseEventHandler, type ReactNode, useState } from "react";
import type { Problem } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import { Icon } from "../components/Icon.tsx";
import { Menu } from "../components/Menu.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { useAction } from "../components/useAction.ts";
import { texts } from "../texts.ts";
import { ACCOUNT } from "./routes.ts";
import type { Session } from "./session.ts";

interface Props extends Session {
  /** Opens the account without loading a page, where that is possible. */
  onOpen?: MouseEventHandler<HTMLElement>;
  /** Where else one can go. */
  children?: ReactNode;
}

/** Who is signed in, the way to the account, and the way out. Nothing where nobody signs in. */
export function AccountMenu({ caller, signOut, onOpen, children }: Props) {
  const [busy, run] = useAction();
  const [problem, setProblem] = useState<Problem | null>(null);
  if (caller?.mode !== "required" || caller.user === null) return null;
  const text = texts.account;
  const shown = (
    <>
      <Icon name="user" />
      <span className="account-name">{caller.user}</span>
    </>
  );
  return (
    <>
      <Menu label={text.signedIn(caller.user)} shown={shown}>
        <p className="fine menu-note">{text.signedIn(caller.user)}</p>
        <a className="button quiet" href={ACCOUNT} onClick={onOpen}>
          {text.title}
        </a>
        {children}
        {caller.proof === "session" && (
          <Button kind="quiet" busy={busy} onClick={async () => setProblem((await run(signOut)) ?? null)}>
            {text.signOut}
          </Button>
        )}
      </Menu>
      {problem && <ProblemNotice action="signOut" problem={problem} onDismiss={() => setProblem(null)} />}
    </>
  );
}
