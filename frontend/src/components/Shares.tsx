import { type FormEvent, useId, useMemo, useState } from "react";
import type { Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { ConfirmButton } from "./ConfirmButton.tsx";
import { Expiry } from "./Expiry.tsx";
import { moment } from "./formats.ts";
import { OnceShown } from "./OnceShown.tsx";
import { ProblemNotice } from "./ProblemNotice.tsx";
import { SpanSelect } from "./SpanSelect.tsx";
import type { NewShare, Share, Sharing } from "./sharing.ts";
import { useSecrets } from "./useSecrets.ts";

const DAY = 86_400;

interface Props {
  job: Job;
  sharing: Sharing;
}

/** Links with which others get the result of a job without signing in: create, copy, see how often they were used, revoke. */
export function Shares({ job, sharing }: Props) {
  const { jobId, bundleExpiresAt } = job;
  const source = useMemo(
    () => ({
      list: () => sharing.list(jobId),
      create: (share: NewShare) => sharing.create(jobId, share),
      revoke: (id: string) => sharing.revoke(jobId, id),
    }),
    [sharing, jobId],
  );
  const { value, problem, reload, failed, dismiss, created, busy, create, revoke } = useSecrets(source);
  const text = texts.shares;
  return (
    <div className="shares">
      <p className="fine">{bundleExpiresAt === null ? text.hintKeeps : text.hint(moment(bundleExpiresAt))}</p>
      {failed && <ProblemNotice action="share" problem={failed} onDismiss={dismiss} />}
      {problem && <ProblemNotice action="shares" problem={problem} onRetry={reload} />}
      {created && (
        <OnceShown title={text.created} secret={created.url} label={text.url} hint={text.once} copy={text.copy} />
      )}
      <ul className="items" aria-label={text.list}>
        {value?.shares.map((share) => (
          <ShareRow key={share.id} share={share} busy={busy} onRevoke={() => void revoke(share.id)} />
        ))}
      </ul>
      <ShareForm busy={busy} onCreate={create} />
    </div>
  );
}

function ShareRow({ share, busy, onRevoke }: { share: Share; busy: boolean; onRevoke(): void }) {
  const text = texts.shares;
  const { id, uses, maxUses, hasPassword, expiresAt } = share;
  const facts = [text.uses(uses, maxUses), ...(hasPassword ? [text.hasPassword] : [])];
  return (
    <li data-share={id}>
      <div>
        <strong>{facts.join(" · ")}</strong>
        <p className="fine">
          <Expiry until={expiresAt} units={1} sentence={text.expires} /> · <code>{id}</code>
        </p>
      </div>
      <ConfirmButton confirm={texts.confirm} label={text.revokeOne(id)} busy={busy} onConfirm={onRevoke}>
        {text.revoke}
      </ConfirmButton>
    </li>
  );
}

/** `onCreate` returns whether the link was created. */
function ShareForm({ busy, onCreate }: { busy: boolean; onCreate(share: NewShare): Promise<boolean> }) {
  const id = useId();
  const [expiresIn, setExpiresIn] = useState(7 * DAY);
  const [maxUses, setMaxUses] = useState("");
  const [password, setPassword] = useState("");
  const text = texts.shares;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const isCreated = await onCreate({ expiresIn, maxUses: Number(maxUses) || null, password: password || null });
    if (isCreated) setPassword("");
  };
  return (
    <form className="item-form" onSubmit={submit}>
      <SpanSelect<number>
        label={text.expiresIn}
        spans={[3600, DAY, 7 * DAY, 30 * DAY]}
        value={expiresIn}
        onChange={setExpiresIn}
      />
      <div className="field">
        <label htmlFor={`${id}-uses`}>{text.maxUses}</label>
        <input
          id={`${id}-uses`}
          type="number"
          min={1}
          max={1_000_000}
          value={maxUses}
          placeholder={text.anyNumber}
          onChange={(event) => setMaxUses(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-password`}>{text.password}</label>
        <input
          id={`${id}-password`}
          value={password}
          maxLength={200}
          placeholder={text.noPassword}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setPassword(event.target.value)}
        />
      </div>
      <Button type="submit" icon="link" busy={busy}>
        {text.create}
      </Button>
    </form>
  );
}
