import { useEffect, useRef, useState } from "react";
import type { Problem } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import { duration } from "../components/formats.ts";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { ProgressBar } from "../components/ProgressBar.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { useAction } from "../components/useAction.ts";
import { useSecondsUntil } from "../components/useNow.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { listActions, stopAction } from "./api.ts";
import { Section } from "./Section.tsx";
import type { BulkAction } from "./schemas.ts";
import { usePolled } from "./usePolled.ts";

/** Milliseconds between two looks at actions while one is active, and while none is. */
const SOON = 1_000;
const LATER = 10_000;

const isActive = ({ state }: BulkAction) => state === "waiting" || state === "running";

/** The latest bulk actions, kept up to date. */
export function useBulkActions() {
  return usePolled(listActions, (value) => (value?.actions.some(isActive) ? SOON : LATER));
}

interface Props {
  actions: ReturnType<typeof useBulkActions>;
  canAct: boolean;
  /** How many are shown, the latest first; those that are active always are. */
  limit: number;
  /** Whether there is nothing to see without any. */
  isHiddenIfNone?: boolean;
}

/** Bulk actions with their progress, and the way to stop them. */
export function BulkActions({ actions: { value, problem, reload }, canAct, limit, isHiddenIfNone = false }: Props) {
  const [busy, run] = useAction();
  const [failed, setFailed] = useState<Problem | null>(null);
  const announcement = useAnnouncement(value?.actions);
  const text = operatorTexts.actions;
  const shown = value?.actions.filter((action, index) => index < limit || isActive(action)) ?? [];
  const stop = (actionId: number) =>
    run(async () => {
      const outcome = await stopAction(actionId);
      setFailed(outcome.ok ? null : outcome.problem);
      await reload();
    });
  return (
    <>
      <p className="visually-hidden" role="status">
        {announcement}
      </p>
      {(shown.length > 0 || !isHiddenIfNone) && (
        <Section title={text.title}>
          {problem && value === undefined && <ProblemNotice title={text.load} problem={problem} onRetry={reload} />}
          {failed && <ProblemNotice title={text.stopFailed} problem={failed} onDismiss={() => setFailed(null)} />}
          {value !== undefined && shown.length === 0 && <p className="empty">{text.none}</p>}
          <ul className="bulk-actions" aria-label={text.title}>
            {shown.map((action) => (
              <ActionRow
                key={action.actionId}
                action={action}
                busy={busy}
                onStop={canAct && isActive(action) ? () => void stop(action.actionId) : null}
              />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

interface RowProps {
  action: BulkAction;
  busy: boolean;
  onStop: (() => void) | null;
}

function ActionRow({ action, busy, onStop }: RowProps) {
  const { actionId, action: verb, state, total, done, failed, createdBy, createdAt, startsAt } = action;
  const text = operatorTexts.actions;
  const name = text.name[verb](total);
  const wait = useSecondsUntil(state === "waiting" ? startsAt : null);
  const isUndone = state === "cancelled" && done + failed === 0;
  const worked = workedOf(action);
  const detail = wait !== null ? (wait > 0 ? text.startsIn(duration(wait)) : text.starting) : worked;
  return (
    <li data-action={actionId} data-state={state}>
      <div className="worker-head">
        <div>
          <p>
            <strong>{name}</strong>
          </p>
          <p className="fine">
            {isUndone ? text.undone : detail}
            {" · "}
            <RelativeTime at={createdAt} sentence={(when) => text.by(createdBy, when)} />
          </p>
        </div>
        <span className="badge" data-status-badge={BADGES[state]}>
          {text.state[state]}
        </span>
        {onStop && (
          <Button
            icon={state === "waiting" ? "back" : "cross"}
            busy={busy}
            aria-label={state === "waiting" ? text.undoOne(name) : text.stopOne(name)}
            onClick={onStop}
          >
            {state === "waiting" ? text.undo : text.stop}
          </Button>
        )}
      </div>
      {state === "running" && (
        <ProgressBar
          label={text.progress(name)}
          percent={total > 0 ? Math.min(100, (100 * (done + failed)) / total) : null}
          valueText={worked}
        />
      )}
    </li>
  );
}

/** How far it is, in words. */
function workedOf({ done, failed, total }: BulkAction): string {
  const text = operatorTexts.actions;
  return [text.done(done, total), failed > 0 && text.leftAlone(failed)].filter(Boolean).join(", ");
}

const BADGES = { waiting: "retrying", running: "processing", completed: "completed", cancelled: "cancelled" } as const;

/** Says that an action has ended which was active when it was last looked at. */
function useAnnouncement(actions: readonly BulkAction[] | undefined): string {
  const active = useRef(new Set<number>());
  const [announcement, setAnnouncement] = useState("");
  useEffect(() => {
    if (actions === undefined) return;
    const text = operatorTexts.actions;
    const ended = actions.filter((one) => !isActive(one) && active.current.has(one.actionId));
    active.current = new Set(actions.filter(isActive).map(({ actionId }) => actionId));
    const [first] = ended;
    if (first) setAnnouncement(text.finished(text.name[first.action](first.total), workedOf(first)));
  }, [actions]);
  return announcement;
}
