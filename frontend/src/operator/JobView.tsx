import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import type { Problem } from "../client/index.ts";
import { ENDED, RETRYABLE } from "../client/schemas.ts";
import { Button } from "../components/Button.tsx";
import { ConfirmButton } from "../components/ConfirmButton.tsx";
import { CopyButton } from "../components/CopyButton.tsx";
import { bytes, count, percent } from "../components/formats.ts";
import { Icon } from "../components/Icon.tsx";
import { Notice } from "../components/Notice.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { ProgressBar } from "../components/ProgressBar.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { TONES } from "../components/tones.ts";
import { useAction } from "../components/useAction.ts";
import { useNow } from "../components/useNow.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { navigateOnClick } from "../page/routes.ts";
import { texts } from "../texts.ts";
import { getTimeline, startAction } from "./api.ts";
import { BulkActions, useBulkActions } from "./BulkActions.tsx";
import { isDead } from "./filters.ts";
import { between, instant, seconds } from "./formats.ts";
import { JobStatus } from "./JobStatus.tsx";
import { lifeOf, toneOf } from "./life.ts";
import { jobsHref } from "./routes.ts";
import { Section } from "./Section.tsx";
import type { Attempt, Timeline, Verb } from "./schemas.ts";
import { Table } from "./Table.tsx";
import { usePolled } from "./usePolled.ts";

/** Milliseconds. An ended job changes only if somebody acts on it. */
const INTERVAL = 2_000;
const ENDED_INTERVAL = 10_000;

/** The timeline of one job: why it waits, its attempts with their phases, its events. */
export function JobView({ jobId, canAct }: { jobId: string; canAct: boolean }) {
  const load = useCallback((signal: AbortSignal) => getTimeline(jobId, signal), [jobId]);
  const { value, problem, reload } = usePolled(load, (loaded) =>
    loaded && ENDED.has(loaded.job.status) ? ENDED_INTERVAL : INTERVAL,
  );
  const actions = useBulkActions();
  const [started, setStarted] = useState(false);
  const text = operatorTexts.timeline;
  return (
    <div className="timeline">
      <p>
        <a className="back" href={jobsHref()} onClick={navigateOnClick}>
          <Icon name="back" />
          {text.back}
        </a>
      </p>
      {value === undefined && <h1 className="visually-hidden">{operatorTexts.list.job}</h1>}
      {problem && value === undefined && <ProblemNotice title={text.load} problem={problem} onRetry={reload} />}
      {value === undefined && !problem && <p className="empty">{operatorTexts.loading}</p>}
      {value && (
        <>
          <Head
            timeline={value}
            canAct={canAct}
            onStarted={() => {
              setStarted(true);
              void actions.reload();
            }}
          />
          {started && <BulkActions actions={actions} canAct={canAct} limit={1} />}
          {value.queuedBecause && <Why {...value.queuedBecause} />}
          {value.job.error && (
            <Notice tone="bad" title={`${text.error}: ${value.job.error.class}`}>
              <p className="error-message">{value.job.error.message}</p>
            </Notice>
          )}
          <Attempts timeline={value} />
          <Events events={value.events} />
        </>
      )}
    </div>
  );
}

interface HeadProps {
  timeline: Timeline;
  canAct: boolean;
  onStarted(): void;
}

function Head({ timeline: { job, owner, traceId, traceUrl }, canAct, onStarted }: HeadProps) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const text = operatorTexts.timeline;
  const { jobId, status, kind, createdAt, startedAt, finishedAt, attempt, maxAttempts } = job;
  const { percent: done, phase } = job.progress;
  const isRunning = status === "processing";
  const facts: (readonly [name: string, value: ReactNode])[] = [
    [text.owner, owner],
    [text.kind, operatorTexts.kindOne[kind]],
    [text.attempts, text.attemptsOf(attempt, maxAttempts)],
    [text.created, <RelativeTime key="" at={createdAt} sentence={(when) => when} />],
  ];
  if (startedAt) facts.push([text.started, <RelativeTime key="" at={startedAt} sentence={(when) => when} />]);
  if (finishedAt) facts.push([text.ended, <RelativeTime key="" at={finishedAt} sentence={(when) => when} />]);
  const value = done === null ? operatorTexts.workers.unknown : texts.job.percent(percent(done));
  return (
    <section className="card" data-job={jobId} data-status={status}>
      <div className="section-head">
        <h1 ref={title} tabIndex={-1}>
          {job.title}
        </h1>
        <JobStatus status={status} dead={isDead(job)} />
      </div>
      {isRunning && (
        <div className="running">
          <ProgressBar label={texts.job.progress(job.title)} percent={done} valueText={value} tone={TONES[status]} />
          <p className="fine">
            {value} · {texts.phase[phase]}
          </p>
        </div>
      )}
      <dl className="numbers">
        {facts.map(([name, shown]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{shown}</dd>
          </div>
        ))}
      </dl>
      <p className="job-id">
        <small>{text.id}</small> <code>{jobId}</code>
        <CopyButton text={jobId}>{text.copyId}</CopyButton>
        <CopyButton text={() => window.location.href} icon="link">
          {text.copyLink}
        </CopyButton>
        {traceUrl ? (
          <a className="button quiet" href={traceUrl} rel="noreferrer">
            {text.trace}
          </a>
        ) : (
          traceId && (
            <>
              <small>{text.traceId}</small> <code>{traceId}</code>
            </>
          )
        )}
      </p>
      {canAct && <OwnActions job={job} onStarted={onStarted} />}
    </section>
  );
}

interface OwnActionsProps {
  job: Timeline["job"];
  onStarted(): void;
}

/** A bulk action of this one job, which can be undone for a moment. */
function OwnActions({ job, onStarted }: OwnActionsProps) {
  const { jobId, status } = job;
  const [busy, run] = useAction();
  const [problem, setProblem] = useState<Problem | null>(null);
  const text = operatorTexts.timeline;
  const act = (verb: Verb) =>
    void run(async () => {
      const outcome = await startAction(verb, { q: jobId }, 1);
      setProblem(outcome.ok ? null : outcome.problem);
      if (outcome.ok) onStarted();
    });
  return (
    <>
      {problem && (
        <ProblemNotice title={operatorTexts.bulk.failed} problem={problem} onDismiss={() => setProblem(null)} />
      )}
      <div className="actions">
        {RETRYABLE.has(status) && (
          <Button icon="retry" busy={busy} onClick={() => act("retry")}>
            {text.act.retry}
          </Button>
        )}
        {isDead(job) && (
          <ConfirmButton confirm={texts.confirm} label={text.act.delete} busy={busy} onConfirm={() => act("delete")}>
            {text.act.delete}
          </ConfirmButton>
        )}
        {!ENDED.has(status) && (
          <ConfirmButton confirm={texts.confirm} label={text.act.cancel} busy={busy} onConfirm={() => act("cancel")}>
            {text.act.cancel}
          </ConfirmButton>
        )}
      </div>
    </>
  );
}

function Why({ reason, position, detail }: NonNullable<Timeline["queuedBecause"]>) {
  const text = operatorTexts.timeline;
  return (
    <Notice tone={reason === "waiting_for_slot" || reason === "batch" ? "info" : "warn"} title={text.whyTitle}>
      <p data-reason={reason}>
        <strong>{text.why[reason] ?? reason}.</strong> {position !== null && text.position(position)} {detail}
      </p>
    </Notice>
  );
}

function Attempts({ timeline }: { timeline: Timeline }) {
  const { attempts } = timeline;
  const text = operatorTexts.timeline;
  return (
    <Section title={text.attempts}>
      <Life timeline={timeline} />
      {attempts.length === 0 && <p className="empty">{text.noAttempts}</p>}
      <ol className="attempts">
        {attempts.map((attempt) => (
          <AttemptItem key={attempt.attempt} attempt={attempt} />
        ))}
      </ol>
    </Section>
  );
}

function AttemptItem({ attempt }: { attempt: Attempt }) {
  const { attempt: number, worker, startedAt, endedAt, outcome, error, phase, bytes: read, bytesPerSecond } = attempt;
  const text = operatorTexts.timeline;
  const now = useNow(endedAt === null);
  const facts = [
    worker && `${text.worker} ${worker}`,
    text.startedAt(instant(startedAt)),
    `${text.took} ${seconds(between(startedAt, endedAt ?? now))}`,
    phase && texts.phase[phase],
    read !== null && `${text.bytes} ${bytes(read)}`,
    bytesPerSecond !== null && `${text.speed} ${texts.job.speed(bytes(bytesPerSecond))}`,
  ];
  return (
    <li data-attempt={number}>
      <div className="section-head">
        <h3>{text.attempt(number)}</h3>
        <span className="badge" data-status-badge={BADGES[toneOf(attempt)]}>
          {outcome === null ? text.running : (text.outcomes[outcome] ?? outcome)}
        </span>
      </div>
      <p className="fine">{facts.filter(Boolean).join(" · ")}</p>
      {error && <p className="job-error">{`${error.class}: ${error.message}`}</p>}
    </li>
  );
}

const BADGES = { going: "processing", done: "completed", bad: "failed", still: "cancelled" } as const;

/** The life of a job as one bar: when it waited, and when it ran. The attempts below say the same in words. */
function Life({ timeline: { job, attempts } }: { timeline: Timeline }) {
  const text = operatorTexts.timeline;
  const now = useNow(job.finishedAt === null);
  const parts = lifeOf(job.createdAt, attempts, job.finishedAt ?? now);
  const [waited, worked] = (["waiting", "worked"] as const).map((sort) =>
    parts.filter(({ tone }) => (tone === "waiting") === (sort === "waiting")).reduce((sum, part) => sum + part.time, 0),
  );
  return (
    <figure className="life">
      <div className="life-bar" aria-hidden="true">
        {parts.map(({ key, tone, time }) => (
          <span key={key} data-tone={tone} style={{ flexGrow: Math.ceil(1_000 * time) }} />
        ))}
      </div>
      <figcaption className="fine">{text.life(seconds(waited), seconds(worked))}</figcaption>
    </figure>
  );
}

function Events({ events }: { events: Timeline["events"] }) {
  const text = operatorTexts.timeline;
  return (
    <Section title={text.events}>
      {events.length === 0 ? (
        <p className="empty">{text.noEvents}</p>
      ) : (
        <Table
          label={text.events}
          items={events}
          keyOf={({ seq }) => seq}
          columns={[
            { name: text.time, isTitle: true, of: ({ at }) => <time dateTime={at}>{instant(at)}</time> },
            { name: text.event, of: ({ command }) => command },
            { name: text.to, of: ({ to }) => <JobStatus status={to} /> },
            { name: text.attempts, isNumber: true, of: ({ attempt }) => count(attempt) },
            { name: text.worker, of: ({ worker }) => worker ?? "–" },
            { name: text.error, of: ({ error }) => (error ? `${error.class}: ${error.message}` : "–") },
          ]}
        />
      )}
    </Section>
  );
}
