import { useState } from "react";
import type { Problem } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import { ConfirmButton } from "../components/ConfirmButton.tsx";
import { bytes, duration, percent } from "../components/formats.ts";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { ProgressBar } from "../components/ProgressBar.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { useAction } from "../components/useAction.ts";
import { useNow } from "../components/useNow.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { navigateOnClick } from "../page/routes.ts";
import { texts } from "../texts.ts";
import { listWorkers, steerWorker } from "./api.ts";
import { between } from "./formats.ts";
import { jobHref } from "./routes.ts";
import { Section } from "./Section.tsx";
import type { RunningJob as Running, Worker } from "./schemas.ts";
import { usePolled } from "./usePolled.ts";

type Order = Parameters<typeof steerWorker>[1];

/** Milliseconds. */
const INTERVAL = 2_000;

/** What each worker does now. One can be drained. */
export function Workers({ canAct }: { canAct: boolean }) {
  const { value, problem, reload } = usePolled(listWorkers, INTERVAL);
  const [busy, run] = useAction();
  const [failed, setFailed] = useState<Problem | null>(null);
  const text = operatorTexts.workers;
  const steer = (name: string, order: Order) =>
    run(async () => {
      const outcome = await steerWorker(name, order);
      setFailed(outcome.ok ? null : outcome.problem);
      await reload();
    });
  return (
    <Section title={text.title}>
      {problem && value === undefined && <ProblemNotice title={text.load} problem={problem} onRetry={reload} />}
      {failed && <ProblemNotice title={text.failed} problem={failed} onDismiss={() => setFailed(null)} />}
      {value?.workers.length === 0 && <p className="empty">{text.none}</p>}
      <ul className="workers" aria-label={text.title}>
        {value?.workers.map((worker) => (
          <WorkerItem
            key={worker.name}
            worker={worker}
            onOrder={canAct && worker.running ? (order) => void steer(worker.name, order) : null}
            busy={busy}
          />
        ))}
      </ul>
    </Section>
  );
}

interface ItemProps {
  worker: Worker;
  busy: boolean;
  /** Null if it is gone, or without the right. */
  onOrder: ((order: Order) => void) | null;
}

function WorkerItem({ worker, busy, onOrder }: ItemProps) {
  const { name, startedAt, heartbeatAt, running, draining, kinds, jobs } = worker;
  const text = operatorTexts.workers;
  const idle = draining ? "drained" : "running";
  const state = !running ? "gone" : draining && jobs.length > 0 ? "draining" : idle;
  return (
    <li data-worker={name} data-state={state}>
      <div className="worker-head">
        <div>
          <h3>{name}</h3>
          <p className="fine">
            {kinds
              .filter(({ slots }) => slots !== 0)
              .map(({ kind, busy, slots }) => text.slots(operatorTexts.kind[kind], busy, slots))
              .join(" · ")}
          </p>
          <p className="fine">
            {startedAt && (
              <>
                <RelativeTime at={startedAt} sentence={text.started} />
                {" · "}
              </>
            )}
            <RelativeTime at={heartbeatAt} sentence={text.heartbeat} />
          </p>
        </div>
        <span className="badge" data-status-badge={BADGES[state]}>
          {text[state]}
        </span>
        {onOrder && !draining && (
          <ConfirmButton
            confirm={texts.confirm}
            label={text.drainOne(name)}
            busy={busy}
            onConfirm={() => onOrder("drain")}
          >
            {text.drain}
          </ConfirmButton>
        )}
        {onOrder && draining && (
          <Button icon="play" busy={busy} aria-label={text.resumeOne(name)} onClick={() => onOrder("resume")}>
            {text.resume}
          </Button>
        )}
      </div>
      {jobs.length === 0 && running && <p className="fine">{draining ? text.idleDrained : text.idle}</p>}
      <ul>
        {jobs.map((job) => (
          <RunningJob key={job.jobId} job={job} />
        ))}
      </ul>
    </li>
  );
}

const BADGES = { running: "completed", draining: "retrying", drained: "retrying", gone: "cancelled" } as const;

function RunningJob({ job }: { job: Running }) {
  const { jobId, kind, owner, title, phase, percent: done, bytesPerSecond, startedAt, attempt } = job;
  const now = useNow();
  const text = operatorTexts.workers;
  const value = done === null ? text.unknown : texts.job.percent(percent(done));
  const facts = [
    operatorTexts.kindOne[kind],
    owner,
    texts.phase[phase],
    text.attempt(attempt),
    bytesPerSecond !== null && texts.job.speed(bytes(bytesPerSecond)),
    text.since(duration(between(startedAt, now))),
  ];
  return (
    <li data-job={jobId}>
      <p className="running-title">
        <a href={jobHref(jobId)} onClick={navigateOnClick}>
          {title}
        </a>
        <strong>{done === null ? "" : value}</strong>
      </p>
      <ProgressBar label={text.progress(title)} percent={done} valueText={value} />
      <p className="fine">{facts.filter(Boolean).join(" · ")}</p>
    </li>
  );
}
