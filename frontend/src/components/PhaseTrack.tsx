import type { Phase } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Icon } from "./Icon.tsx";

const PHASES: readonly Phase[] = ["queued", "resolving", "packing", "ready"];

/** The four phases of a job. `at` is the current one; the last counts as done once it is reached. */
export function PhaseTrack({ at }: { at: Phase }) {
  const current = PHASES.indexOf(at);
  return (
    <ol className="phases" aria-label={texts.phases}>
      {PHASES.map((phase, index) => {
        const state = index < current || at === "ready" ? "done" : index === current ? "now" : "next";
        return (
          <li key={phase} data-state={state} aria-current={index === current ? "step" : undefined}>
            <span className="phase-mark" aria-hidden="true">
              {state === "done" ? <Icon name="check" /> : index + 1}
            </span>
            {texts.phase[phase]}
            <span className="visually-hidden">, {texts.phaseState[state]}</span>
          </li>
        );
      })}
    </ol>
  );
}
