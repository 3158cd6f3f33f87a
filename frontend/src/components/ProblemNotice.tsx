import { useState } from "react";
import type { Problem } from "../client/index.ts";
import { texts } from "../texts.ts";
import { adviceOn, reportOf } from "./advice.ts";
import { Button } from "./Button.tsx";
import { CopyButton } from "./CopyButton.tsx";
import { duration } from "./formats.ts";
import { Notice } from "./Notice.tsx";
import { useNow } from "./useNow.ts";

interface Props {
  action: keyof typeof texts.problem.action;
  problem: Problem;
  onAgain?: (() => void) | undefined;
  onDismiss?: (() => void) | undefined;
}

/** What went wrong, why, and what to do; with the time to wait where the server names one. */
export function ProblemNotice({ action, problem, onAgain, onDismiss }: Props) {
  const wait = useWait(problem);
  const words = texts.problem;
  const actions = (
    <>
      {onAgain && (
        <Button icon="retry" busy={wait > 0} onClick={onAgain}>
          {words.again}
        </Button>
      )}
      <CopyButton text={() => reportOf(problem)}>{words.copy}</CopyButton>
      {onDismiss && (
        <Button kind="quiet" icon="cross" onClick={onDismiss}>
          {words.dismiss}
        </Button>
      )}
    </>
  );
  return (
    <Notice tone="bad" title={words.action[action]} actions={actions} alert>
      <p data-problem={problem.code}>{problem.message}</p>
      {problem.fields.length > 0 && (
        <ul className="fields">
          {problem.fields.map((one) => (
            <li key={one.field + one.message}>
              <code>{one.field}</code>: {one.message}
            </li>
          ))}
        </ul>
      )}
      {problem.queuePosition !== null && <p>{words.queue(problem.queuePosition)}</p>}
      <p>
        {adviceOn(problem, action)} {wait > 0 && <span aria-live="off">{words.wait(duration(wait))}</span>}
      </p>
      {problem.requestId !== null && (
        <p className="fine">
          {words.requestId}: <code>{problem.requestId}</code>
        </p>
      )}
    </Notice>
  );
}

/** Seconds of what the server asked to wait that are left, counted from when this problem was first seen. */
function useWait(problem: Problem): number {
  const [seen, setSeen] = useState({ problem, at: Date.now() });
  if (seen.problem !== problem) setSeen({ problem, at: Date.now() });
  const now = useNow(problem.retryAfter !== null);
  return Math.max(0, (problem.retryAfter ?? 0) - (now - seen.at) / 1_000);
}
