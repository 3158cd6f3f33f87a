import type { Phase } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Icon } from "./Icon.tsx";

const PHASES: readonly Phase[] = ["queued", "resolving", "packing", "ready"];
/** Those of a download while its URLs are fetched. */
const WITH_URLS: readonly Phase[] = ["queued", "resolving", "fetching", "packing", "ready"];

/** The phases of a job. `at` is the current one; the last counts as done once it is reached. */
export function PhaseTrack({ at }: { at: Phase }) {
  const phases = at === "fetching" ? WITH_URLS : PHASES;
  const current = phases.indexOf(at);
  return (
    <ol className="phases" aria-label={texts.phases}>
      {phases.map((phase, index) => {
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
