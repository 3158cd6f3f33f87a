import { type FormEvent, useId, useMemo, useState } from "react";
import type { components } from "../client/openapi.ts";
import { Button } from "../components/Button.tsx";
import { Check } from "../components/Check.tsx";
import { ConfirmButton } from "../components/ConfirmButton.tsx";
import { moment } from "../components/formats.ts";
import { OnceShown } from "../components/OnceShown.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { SpanSelect } from "../components/SpanSelect.tsx";
import { useSecrets } from "../components/useSecrets.ts";
import { texts } from "../texts.ts";
import { call } from "./requests.ts";

type Schemas = components["schemas"];
type Key = Schemas["KeyItem"];
type NewKey = Schemas["NewKey"];
type Scope = Exclude<Schemas["Scope"], "act_as">;

const PATH = "v1/access/keys";
const DAY = 86_400;
const DEFAULT_SCOPES: readonly Scope[] = ["jobs:read", "jobs:write", "results:read", "files:read"];

/** The API keys of a user that are valid: create one, which is shown once, or revoke one. */
export function Keys({ user }: { user: string }) {
  const source = useMemo(
    () => ({
      list: () => call<Schemas["KeyList"]>("GET", `${PATH}?owner=${encodeURIComponent(user)}`),
      create: (key: NewKey) => call<Schemas["KeyCreated"]>("POST", PATH, { body: key }),
      revoke: (id: string) => call("DELETE", `${PATH}/${id}`),
    }),
    [user],
  );
  const { value, problem, reload, failed, dismiss, created, busy, create, revoke } = useSecrets(source);
  const text = texts.keys;
  const valid = value?.keys.filter(isValid) ?? [];
  return (
    <section className="card" aria-labelledby="keys-title">
      <h2 id="keys-title">{text.title}</h2>
      <p className="fine">
        {text.hint} <code>{text.header}</code>
      </p>
      {problem && <ProblemNotice action="keys" problem={problem} onRetry={reload} />}
      {failed && <ProblemNotice action="key" problem={failed} onDismiss={dismiss} />}
      {created && (
        <OnceShown
          title={text.created(created.name)}
          secret={created.key}
          label={text.key}
          hint={text.once}
          copy={text.copy}
        />
      )}
      {value !== undefined && valid.length === 0 && <p className="fine">{text.none}</p>}
      <ul className="items" aria-label={text.title}>
        {valid.map((key) => (
          <KeyRow key={key.id} of={key} busy={busy} onRevoke={() => void revoke(key.id)} />
        ))}
      </ul>
      <KeyForm busy={busy} onCreate={create} />
    </section>
  );
}

function isValid({ revokedAt, expiresAt }: Key): boolean {
  return revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > Date.now());
}

function KeyRow({ of, busy, onRevoke }: { of: Key; busy: boolean; onRevoke(): void }) {
  const text = texts.keys;
  const { id, name, scopes, usedAt, expiresAt } = of;
  return (
    <li data-key={id}>
      <div>
        <strong>{name}</strong> <code className="fine">{id}</code>
        <p className="fine">{scopes.join(", ")}</p>
        <p className="fine">
          {usedAt === null ? text.unused : <RelativeTime at={usedAt} sentence={text.used} />} ·{" "}
          {expiresAt === null ? text.forever : text.until(moment(expiresAt))}
        </p>
      </div>
      <ConfirmButton confirm={texts.confirm} label={text.revokeOne(name)} busy={busy} onConfirm={onRevoke}>
        {text.revoke}
      </ConfirmButton>
    </li>
  );
}

/** `onCreate` returns whether the key was created. */
function KeyForm({ busy, onCreate }: { busy: boolean; onCreate(key: NewKey): Promise<boolean> }) {
  const id = useId();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState(DEFAULT_SCOPES);
  const [expiresIn, setExpiresIn] = useState<number | null>(365 * DAY);
  const [wrong, setWrong] = useState<string | null>(null);
  const text = texts.keys;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const problem = name.trim() === "" ? text.noName : scopes.length === 0 ? text.noScope : null;
    setWrong(problem);
    if (problem === null && (await onCreate({ name: name.trim(), scopes: [...scopes], expiresIn }))) setName("");
  };
  return (
    <details className="new-key">
      <summary>{text.new}</summary>
      <form className="key-form" onSubmit={submit} noValidate>
        <div className="field">
          <label htmlFor={id}>{text.name}</label>
          <input
            id={id}
            value={name}
            maxLength={100}
            placeholder={text.namePlaceholder}
            autoComplete="off"
            aria-invalid={wrong === text.noName || undefined}
            aria-describedby={`${id}-wrong`}
            onChange={(event) => setName(event.target.value)}
          />
        </div>
        <SpanSelect
          label={text.expiresIn}
          spans={[30 * DAY, 90 * DAY, 365 * DAY, null]}
          value={expiresIn}
          never={text.never}
          onChange={setExpiresIn}
        />
        <fieldset className="scopes">
          <legend>{text.scopes}</legend>
          {(Object.keys(text.scopeNames) as Scope[]).map((scope) => (
            <Check
              key={scope}
              name={scope}
              hint={text.scopeNames[scope]}
              on={scopes.includes(scope)}
              onChange={(on) => setScopes([...scopes.filter((one) => one !== scope), ...(on ? [scope] : [])])}
            />
          ))}
        </fieldset>
        <div className="actions">
          <Button type="submit" kind="primary" icon="plus" busy={busy}>
            {text.create}
          </Button>
          <p id={`${id}-wrong`} className="wrong" role="status">
            {wrong}
          </p>
        </div>
      </form>
    </details>
  );
}
