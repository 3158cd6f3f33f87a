import { useState } from "react";
import type { Problem } from "../client/index.ts";
import { texts } from "../texts.ts";
import { adviceFor, reportOf } from "./advice.ts";
import { Button } from "./Button.tsx";
import { CopyButton } from "./CopyButton.tsx";
import { duration } from "./formats.ts";
import { Notice } from "./Notice.tsx";
import { useNow } from "./useNow.ts";

interface Props {
  /** What could not be done; another page has titles of its own. */
  action?: keyof typeof texts.problem.action;
  title?: string | undefined;
  problem: Problem;
  onRetry?: (() => void) | undefined;
  onDismiss?: (() => void) | undefined;
}

/** What went wrong, why, and what to do, with a countdown if the server says how long to wait. */
export function ProblemNotice({ action, title, problem, onRetry, onDismiss }: Props) {
  const wait = useWait(problem);
  const text = texts.problem;
  const actions = (
    <>
      {onRetry && (
        <Button icon="retry" busy={wait > 0} onClick={onRetry}>
          {text.again}
        </Button>
      )}
      <CopyButton text={() => reportOf(problem)}>{text.copy}</CopyButton>
      {onDismiss && (
        <Button kind="quiet" icon="cross" onClick={onDismiss}>
          {text.dismiss}
        </Button>
      )}
    </>
  );
  return (
    <Notice tone="bad" title={title ?? (action && text.action[action])} actions={actions} alert>
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
      {problem.queuePosition !== null && <p>{text.queue(problem.queuePosition)}</p>}
      <p>
        {adviceFor(problem, action)} {wait > 0 && <span aria-live="off">{text.wait(duration(wait))}</span>}
      </p>
      {problem.requestId !== null && (
        <p className="fine">
          {text.requestId}: <code>{problem.requestId}</code>
        </p>
      )}
    </Notice>
  );
}

/** The rest of the server's `Retry-After` in seconds, counted from when this problem was first shown. */
function useWait(problem: Problem): number {
  const [shown, setShown] = useState({ problem, at: Date.now() });
  if (shown.problem !== problem) setShown({ problem, at: Date.now() });
  const now = useNow(problem.retryAfter !== null);
  return Math.max(0, (problem.retryAfter ?? 0) - (now - shown.at) / 1_000);
}
