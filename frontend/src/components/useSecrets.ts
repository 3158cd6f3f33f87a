import { useState } from "react";
import type { Outcome, Problem } from "../client/index.ts";
import { useAction } from "./useAction.ts";
import { useLoaded } from "./useLoaded.ts";

/** Keys or links, of which the secret is shown once. The functions keep their identity between renders. */
interface Source<List, New, Created> {
  list: () => Promise<Outcome<List>>;
  create(item: New): Promise<Outcome<Created>>;
  revoke(id: string): Promise<Outcome<unknown>>;
}

const NOT_FOUND = 404;

/** What there is, the one that was just created, and why the last action failed. */
export function useSecrets<List, New, Created extends { id: string }>(source: Source<List, New, Created>) {
  const { value, problem, reload } = useLoaded(source.list);
  const [failed, setFailed] = useState<Problem | null>(null);
  const [created, setCreated] = useState<Created | null>(null);
  const [busy, run] = useAction();
  /** Returns whether it was created. */
  const create = async (item: New) => {
    const outcome = await run(() => source.create(item));
    if (outcome === undefined) return false;
    setFailed(outcome.ok ? null : outcome.problem);
    if (outcome.ok) setCreated(outcome.value);
    await reload();
    return outcome.ok;
  };
  const revoke = async (id: string) => {
    const outcome = await run(() => source.revoke(id));
    if (outcome === undefined) return;
    setFailed(outcome.ok || outcome.problem.status === NOT_FOUND ? null : outcome.problem); // 404: it has ended meanwhile
    if (created?.id === id) setCreated(null);
    await reload();
  };
  return { value, problem, reload, failed, dismiss: () => setFailed(null), created, busy, create, revoke };
}
