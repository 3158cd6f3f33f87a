import { useEffect, useRef } from "react";
import type { Client } from "../client/index.ts";

/** Follows these jobs as long as the component is there; those that stay are not disturbed when others come and go. */
export function useFollowing(client: Client, jobIds: readonly string[]): void {
  const held = useRef(new Map<string, () => void>());
  useEffect(() => {
    const wanted = new Set(jobIds);
    for (const [jobId, leave] of held.current) {
      if (wanted.has(jobId)) continue;
      leave();
      held.current.delete(jobId);
    }
    for (const jobId of wanted) {
      if (!held.current.has(jobId)) held.current.set(jobId, client.follow(jobId));
    }
  }, [client, jobIds]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: with another client the jobs of this one are left
  useEffect(() => {
    const { current } = held;
    return () => {
      for (const leave of current.values()) leave();
      current.clear();
    };
  }, [client]);
}
