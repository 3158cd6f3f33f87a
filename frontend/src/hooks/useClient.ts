// The client that hooks use: one per page, unless they are given another.
import { useEffect, useSyncExternalStore } from "react";
import { Client, type ClientState, type Job } from "../client/index.ts";

let shared: Client | null = null;

/** The client of the page's own server, created on first use. */
export function sharedClient(): Client {
  shared ??= new Client();
  return shared;
}

/** The client's whole state. Renders on every change. */
export function useClientState(client: Client): ClientState {
  return useSyncExternalStore(client.subscribe, client.getState, client.getState);
}

/** One job, followed while the component is mounted. Renders only when that job changes. */
export function useJob(jobId: string, client: Client = sharedClient()): Job | undefined {
  useEffect(() => client.follow(jobId), [client, jobId]);
  const read = () => client.getState().jobs.get(jobId);
  return useSyncExternalStore(client.subscribe, read, read);
}
