// Which client the hooks use: one for the whole page, unless they are given another.
import { useEffect, useSyncExternalStore } from "react";
import { Client, type ClientState, type Job } from "../client/index.ts";

let shared: Client | null = null;

/** The client of the page's own server, made when it is first asked for. */
export function sharedClient(): Client {
  shared ??= new Client();
  return shared;
}

/** All that the client knows; rendered again when any of it changes. */
export function useClientState(client: Client): ClientState {
  return useSyncExternalStore(client.subscribe, client.getState, client.getState);
}

/** One job, followed as long as the component is there, and rendered again only when that job changes. */
export function useJob(jobId: string, client: Client = sharedClient()): Job | undefined {
  useEffect(() => client.follow(jobId), [client, jobId]);
  const read = () => client.getState().jobs.get(jobId);
  return useSyncExternalStore(client.subscribe, read, read);
}
