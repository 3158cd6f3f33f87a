import { type FormEvent, useCallback, useEffect, useId, useRef, useState } from "react";
import type { Kind, Problem } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import { count } from "../components/formats.ts";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { useAction } from "../components/useAction.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { listQueues, pauseQueue, resumeQueue } from "./api.ts";
import { seconds } from "./formats.ts";
import { Section } from "./Section.tsx";
import type { Queue } from "./schemas.ts";
import { Table } from "./Table.tsx";
import { usePolled } from "./usePolled.ts";

/** Milliseconds. Reasons do not change while a queue is paused. */
const INTERVAL = 15_000;

/** What waits, of each kind, and since when. A queue can be paused. */
export function Queues({ queues, canAct }: { queues: readonly Queue[]; canAct: boolean }) {
  const [busy, run] = useAction();
  const [problem, setProblem] = useState<Problem | null>(null);
  /** Which queue is asked about. */
  const [asked, setAsked] = useState<Kind | null>(null);
  const reasons = useReasons(queues);
  const text = operatorTexts.queues;
  const kinds = operatorTexts.kind;
  const change = (request: () => ReturnType<typeof resumeQueue>) =>
    run(async () => {
      const outcome = await request();
      setProblem(outcome.ok ? null : outcome.problem);
      if (outcome.ok) setAsked(null);
    });
  return (
    <Section title={text.title}>
      {problem && <ProblemNotice title={text.failed} problem={problem} onDismiss={() => setProblem(null)} />}
      <Table
        label={text.title}
        items={queues}
        keyOf={({ kind }) => kind}
        attributes={({ kind, paused }) => ({ "data-queue": kind, "data-paused": paused ? "true" : undefined })}
        columns={[
          { name: text.kind, isTitle: true, of: ({ kind }) => <strong>{kinds[kind]}</strong> },
          { name: text.waiting, isNumber: true, of: ({ queued }) => count(queued) },
          { name: text.oldest, isNumber: true, of: ({ oldestSeconds }) => seconds(oldestSeconds) },
          { name: text.retrying, isNumber: true, of: ({ retrying }) => count(retrying) },
          {
            name: text.slots,
            isNumber: true,
            of: ({ busy, slots }) => (slots === 0 ? text.noSlots : text.inUse(busy, slots)),
          },
          { name: text.state, of: (queue) => <State queue={queue} reason={reasons.get(queue.kind) ?? null} /> },
          ...(canAct
            ? [
                {
                  name: text.actions,
                  of: ({ kind, paused }: Queue) =>
                    paused ? (
                      <Button
                        icon="play"
                        busy={busy}
                        aria-label={text.resumeOne(kinds[kind])}
                        onClick={() => void change(() => resumeQueue(kind))}
                      >
                        {text.resume}
                      </Button>
                    ) : (
                      <Button
                        kind="quiet"
                        icon="pause"
                        aria-label={text.pauseOne(kinds[kind])}
                        aria-expanded={asked === kind}
                        onClick={() => setAsked(asked === kind ? null : kind)}
                      >
                        {text.pause}
                      </Button>
                    ),
                },
              ]
            : []),
        ]}
        below={({ kind, paused }) =>
          asked === kind &&
          !paused && (
            <PauseForm
              kind={kinds[kind]}
              busy={busy}
              onPause={(reason) => void change(() => pauseQueue(kind, reason))}
              onKeep={() => setAsked(null)}
            />
          )
        }
      />
    </Section>
  );
}

/** Why queues are paused, loaded again when another one is. */
function useReasons(queues: readonly Queue[]): Map<Kind, string | null> {
  const paused = queues
    .filter((one) => one.paused)
    .map(({ kind }) => kind)
    .join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is paused decides what there is to load
  const load = useCallback((signal: AbortSignal) => listQueues(signal), [paused]);
  const { value } = usePolled(load, INTERVAL);
  return new Map(value?.queues.map(({ kind, reason }) => [kind, reason]));
}

function State({ queue: { paused, pausedAt, pausedBy }, reason }: { queue: Queue; reason: string | null }) {
  const text = operatorTexts.queues;
  if (!paused) return text.open;
  return (
    <>
      <span className="badge" data-status-badge="retrying">
        {text.paused}
      </span>
      {pausedAt && (
        <small>
          {" "}
          <RelativeTime at={pausedAt} sentence={(when) => text.pausedBy(pausedBy ?? "–", when)} />
        </small>
      )}
      {reason && <small>{reason}</small>}
    </>
  );
}

interface PauseFormProps {
  kind: string;
  busy: boolean;
  onPause(reason: string): void;
  onKeep(): void;
}

function PauseForm({ kind, busy, onPause, onKeep }: PauseFormProps) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [reason, setReason] = useState("");
  useEffect(() => field.current?.focus(), []);
  const text = operatorTexts.queues;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) onPause(reason.trim());
  };
  return (
    <form className="ask" onSubmit={submit} onKeyDown={({ key }) => key === "Escape" && onKeep()}>
      <p>{text.pauseHint}</p>
      <div className="field">
        <label htmlFor={id}>{text.reason}</label>
        <input
          id={id}
          ref={field}
          value={reason}
          maxLength={200}
          placeholder={text.reasonHint}
          autoComplete="off"
          onChange={(event) => setReason(event.target.value)}
        />
      </div>
      <div className="actions">
        <Button type="submit" kind="danger" icon="pause" busy={busy}>
          {text.pauseOne(kind)}
        </Button>
        <Button kind="quiet" onClick={onKeep}>
          {text.keep}
        </Button>
      </div>
    </form>
  );
}
