import { useCallback, useRef, useState } from "react";
import type { Outcome } from "../client/index.ts";
import type { Failure } from "./useDownloadManager.ts";

/** What could not be done, the newest last: one for each action on a job, until it is dismissed or tried again. */
export function useFailures() {
  const [failures, setFailures] = useState<readonly Failure[]>([]);
  const count = useRef(0);
  const dismiss = useCallback((id: number) => setFailures((all) => all.filter((one) => one.id !== id)), []);
  const noting = useCallback(
    async <T>(action: Failure["action"], jobId: string | null, asked: Promise<Outcome<T>>): Promise<Outcome<T>> => {
      const others = (one: Failure) => one.action !== action || one.jobId !== jobId;
      setFailures((all) => (all.every(others) ? all : all.filter(others)));
      const outcome = await asked;
      if (!outcome.ok) {
        count.current += 1;
        const failure = { id: count.current, action, jobId, problem: outcome.problem };
        setFailures((all) => [...all.filter(others), failure]);
      }
      return outcome;
    },
    [],
  );
  return { failures, dismiss, noting };
}
