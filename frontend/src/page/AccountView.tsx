import { useEffect, useRef } from "react";
import { moment } from "../components/formats.ts";
import { texts } from "../texts.ts";
import { BackLink } from "./BackLink.tsx";
import { Keys } from "./Keys.tsx";
import { Sessions } from "./Sessions.tsx";
import type { Caller } from "./session.ts";

/** Who you are, where you are signed in, and your API keys. */
export function AccountView({ caller }: { caller: Caller }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const text = texts.account;
  const { user, mode } = caller;
  return (
    <div className="account-view">
      <BackLink />
      <h1 ref={title} tabIndex={-1}>
        {text.title}
      </h1>
      {mode === "open" || user === null ? (
        <p>{text.open}</p>
      ) : (
        <>
          <Facts caller={caller} />
          <div className="account-columns">
            <Sessions user={user} proof={caller.proof ?? null} />
            <Keys user={user} />
          </div>
        </>
      )}
    </div>
  );
}

function Facts({ caller }: { caller: Caller }) {
  const text = texts.account;
  const { user, role, groups, proof, expiresAt } = caller;
  const facts = [
    [text.user, user],
    [text.role, text.roles[role ?? ""] ?? role],
    [text.groups, groups?.join(", ") || text.noGroups],
    [text.proof, text.proofs[proof ?? ""] ?? proof],
    ...(expiresAt ? [[text.until, moment(expiresAt)]] : []),
  ];
  return (
    <dl className="card numbers">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
