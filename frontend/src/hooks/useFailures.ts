import { useCallback, useRef, useState } from "react";
import type { Outcome } from "../client/index.ts";
import type { Failure } from "./useDownloadManager.ts";

/** Failed actions, the newest last: at most one per action and job, until it is dismissed or the action is repeated. */
export function useFailures() {
  const [failures, setFailures] = useState<readonly Failure[]>([]);
  const lastId = useRef(0);
  const dismiss = useCallback((id: number) => setFailures((all) => all.filter((failure) => failure.id !== id)), []);
  const track = useCallback(
    async <T>(action: Failure["action"], jobId: string | null, pending: Promise<Outcome<T>>): Promise<Outcome<T>> => {
      const isOther = (failure: Failure) => failure.action !== action || failure.jobId !== jobId;
      setFailures((all) => (all.every(isOther) ? all : all.filter(isOther)));
      const outcome = await pending;
      if (!outcome.ok) {
        lastId.current += 1;
        const failure = { id: lastId.current, action, jobId, problem: outcome.problem };
        setFailures((all) => [...all.filter(isOther), failure]);
      }
      return outcome;
    },
    [],
  );
  return { failures, dismiss, track };
}
