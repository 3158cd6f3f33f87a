import { useCallback, useState } from "react";
import type { Problem } from "../client/index.ts";
import type { components } from "../client/openapi.ts";
import { Button } from "../components/Button.tsx";
import { ConfirmButton } from "../components/ConfirmButton.tsx";
import { moment } from "../components/formats.ts";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { useAction } from "../components/useAction.ts";
import { useLoaded } from "../components/useLoaded.ts";
import { texts } from "../texts.ts";
import { browserOf } from "./browsers.ts";
import { call } from "./requests.ts";

type Schemas = components["schemas"];
type Session = Schemas["SessionItem"];

const PATH = "v1/access/sessions";

/** The sessions of a user, the current one marked: end one, or all others. */
export function Sessions({ user, proof }: { user: string; proof: string | null }) {
  const query = `${PATH}?owner=${encodeURIComponent(user)}`;
  const { value, problem, reload } = useLoaded(useCallback(() => call<Schemas["SessionList"]>("GET", query), [query]));
  const [failed, setFailed] = useState<Problem | null>(null);
  const [busy, run] = useAction();
  const text = texts.sessions;
  const others = value?.sessions.filter((one) => !one.current) ?? [];
  const end = (sessions: readonly Session[]) =>
    run(async () => {
      const outcomes = await Promise.all(sessions.map(({ id }) => call("DELETE", `${PATH}/${id}`)));
      const problems = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.problem]));
      setFailed(problems.find(({ status }) => status !== 404) ?? null); // 404: it has ended meanwhile
      await reload();
    });
  return (
    <section className="card" aria-labelledby="sessions-title">
      <h2 id="sessions-title">{text.title}</h2>
      <p className="fine">{proof === "proxy" ? text.proxy : text.hint}</p>
      {problem && <ProblemNotice action="sessions" problem={problem} onRetry={reload} />}
      {failed && <ProblemNotice action="endSession" problem={failed} onDismiss={() => setFailed(null)} />}
      <ul className="items" aria-label={text.title}>
        {value?.sessions.map((one) => (
          <SessionRow key={one.id} session={one} busy={busy} onEnd={() => void end([one])} />
        ))}
      </ul>
      {others.length > 0 && (
        <div className="actions">
          <Button busy={busy} onClick={() => void end(others)}>
            {text.endOthers}
          </Button>
        </div>
      )}
    </section>
  );
}

function SessionRow({ session, busy, onEnd }: { session: Session; busy: boolean; onEnd(): void }) {
  const text = texts.sessions;
  const { id, userAgent, address, seenAt, expiresAt, current } = session;
  const browser = browserOf(userAgent) ?? text.unknown;
  return (
    <li data-session={id}>
      <div>
        <strong>{browser}</strong> {current && <span className="badge">{text.current}</span>}
        <p className="fine">
          {address && `${address} · `}
          <RelativeTime at={seenAt} sentence={text.seen} /> · {text.until(moment(expiresAt))}
        </p>
      </div>
      {!current && (
        <ConfirmButton confirm={texts.confirm} label={text.endOne(browser)} busy={busy} onConfirm={onEnd}>
          {text.end}
        </ConfirmButton>
      )}
    </li>
  );
}
