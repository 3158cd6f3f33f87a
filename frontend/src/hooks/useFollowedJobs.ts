import { useEffect, useRef } from "react";
import type { Client } from "../client/index.ts";

/** Follows these jobs while the component is mounted. Jobs that remain are not refollowed when others change. */
export function useFollowedJobs(client: Client, jobIds: readonly string[]): void {
  const followed = useRef(new Map<string, () => void>());
  useEffect(() => {
    const wanted = new Set(jobIds);
    for (const [jobId, unfollow] of followed.current) {
      if (wanted.has(jobId)) continue;
      unfollow();
      followed.current.delete(jobId);
    }
    for (const jobId of wanted) {
      if (!followed.current.has(jobId)) followed.current.set(jobId, client.follow(jobId));
    }
  }, [client, jobIds]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another client has jobs of its own
  useEffect(() => {
    const { current } = followed;
    return () => {
      for (const unfollow of current.values()) unfollow();
      current.clear();
    };
  }, [client]);
}
