// The client that hooks use: that of the nearest provider, or one per page, unless they are given another.
import { createContext, useContext, useEffect, useSyncExternalStore } from "react";
import { Client, type ClientState, type Job } from "../client/index.ts";

let shared: Client | null = null;

/** Provides the client to all hooks below. */
export const ClientContext = createContext<Client | null>(null);

/** The client of the page's own server, created on first use. */
export function sharedClient(): Client {
  shared ??= new Client();
  return shared;
}

/** The given client, or that of the nearest provider, or the shared one. */
export function useClient(given?: Client): Client {
  const provided = useContext(ClientContext);
  return given ?? provided ?? sharedClient();
}

/** The client's whole state. Renders on every change. */
export function useClientState(client: Client): ClientState {
  return useSyncExternalStore(client.subscribe, client.getState, client.getState);
}

/** One job, followed while the component is mounted. Renders only when that job changes. */
export function useJob(jobId: string, given?: Client): Job | undefined {
  const client = useClient(given);
  useEffect(() => client.follow(jobId), [client, jobId]);
  const read = () => client.getState().jobs.get(jobId);
  return useSyncExternalStore(client.subscribe, read, read);
}
