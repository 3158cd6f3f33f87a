import { useEffect, useRef, useState } from "react";
import type { Problem, Status } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import type { IconName } from "../components/Icon.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { useAction } from "../components/useAction.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { countJobs, startAction } from "./api.ts";
import { filterFor, type JobFilter, type ServerFilter } from "./filters.ts";
import type { JobCount, Verb } from "./schemas.ts";

const VERBS: readonly [Verb, IconName][] = [
  ["retry", "retry"],
  ["cancel", "minus"],
  ["delete", "cross"],
];
const CONFLICT = 409;

interface Asked {
  verb: Verb;
  filter: ServerFilter;
  count: JobCount;
}

interface Props {
  filter: JobFilter;
  /** An action was accepted. */
  onStarted(): void;
}

/** What can be done with all jobs that match, however many: first they are counted, and the count is what is agreed to. */
export function BulkBar({ filter, onStarted }: Props) {
  const [busy, run] = useAction();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [problem, setProblem] = useState<{ title: string; of: Problem } | null>(null);
  const opener = useRef<HTMLElement | null>(null);
  const text = operatorTexts.bulk;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter is another question
  useEffect(() => setAsked(null), [filter]);

  const count = async (verb: Verb) => {
    const own = filterFor(verb, filter, Date.now());
    if (own === null) return;
    const outcome = await countJobs(own);
    if (outcome.ok) setAsked({ verb, filter: own, count: outcome.value });
    else setProblem({ title: text.countFailed, of: outcome.problem });
  };
  const ask = (verb: Verb) =>
    run(async () => {
      opener.current = document.activeElement as HTMLElement;
      setProblem(null);
      setAsked(null);
      await count(verb);
    });
  const confirm = ({ verb, filter, count: { count: expected } }: Asked) =>
    run(async () => {
      const outcome = await startAction(verb, filter, expected);
      setProblem(outcome.ok ? null : { title: text.failed, of: outcome.problem });
      if (outcome.ok) {
        close();
        onStarted();
      } else if (outcome.problem.status === CONFLICT) {
        await count(verb); // there are more by now: the question is asked again with their number
      }
    });
  const close = () => {
    setAsked(null);
    opener.current?.focus();
  };

  return (
    <div className="bulk">
      <div className="actions">
        <span className="fine">{text.all}:</span>
        {VERBS.filter(([verb]) => filterFor(verb, filter, 0) !== null).map(([verb, icon]) => (
          <Button key={verb} icon={icon} busy={busy} data-verb={verb} onClick={() => void ask(verb)}>
            {text.offer[verb]}
          </Button>
        ))}
      </div>
      {problem && <ProblemNotice title={problem.title} problem={problem.of} onDismiss={() => setProblem(null)} />}
      {asked && (
        <Question key={asked.verb} asked={asked} busy={busy} onConfirm={() => void confirm(asked)} onClose={close} />
      )}
    </div>
  );
}

interface QuestionProps {
  asked: Asked;
  busy: boolean;
  onConfirm(): void;
  onClose(): void;
}

function Question({ asked: { verb, count }, busy, onConfirm, onClose }: QuestionProps) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const text = operatorTexts.bulk;
  const statuses = Object.entries(count.byStatus).filter(([, jobs]) => jobs > 0) as [Status, number][];
  return (
    <section
      className="ask"
      aria-labelledby="bulk-title"
      onKeyDown={({ key }) => {
        if (key === "Escape") onClose();
      }}
    >
      <h2 id="bulk-title" ref={title} tabIndex={-1}>
        {count.count === 0 ? text.nothing[verb] : text.ask[verb](count.count)}
      </h2>
      {count.count > 0 && (
        <>
          <p>{text.hint[verb]}</p>
          <p className="fine">
            {statuses.map(([status, jobs]) => text.byStatus(operatorTexts.status[status], jobs)).join(" · ")}
          </p>
        </>
      )}
      <div className="actions">
        {count.count > 0 && (
          <Button kind={verb === "retry" ? "primary" : "danger"} busy={busy} onClick={onConfirm}>
            {text.confirm[verb](count.count)}
          </Button>
        )}
        <Button kind="quiet" onClick={onClose}>
          {count.count > 0 ? text.keep : text.close}
        </Button>
      </div>
    </section>
  );
}
