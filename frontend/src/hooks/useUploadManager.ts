// Manages the uploads to one server. They go on while no component shows them.
import { useMemo, useSyncExternalStore } from "react";
import type { Client } from "../client/index.ts";
import { type AddOptions, type NewFile, UploadManager, type UploadSnapshot } from "../uploads/index.ts";
import { useClient } from "./useClient.ts";

export interface UploadManagerHookOptions {
  /** The client to use. By default that of `<Haulage>`, or else one that all hooks share, for the page's own server. */
  client?: Client;
  /** The manager to use. By default one that all hooks with the same client share; it is never closed. */
  manager?: UploadManager;
}

/** The snapshot of the manager, and what can be done with uploads. */
export interface Uploads extends UploadSnapshot {
  manager: UploadManager;
  add(files: Iterable<NewFile>, options?: AddOptions): void;
  /** Without a key, of all uploads. */
  pause(key?: string): void;
  resume(keys?: string | readonly string[]): void;
  retry(key: string): void;
  cancel(key: string): void;
  forget(key: string): void;
  pick(key: string, file: File): void;
}

const shared = new WeakMap<Client, UploadManager>();

/** The manager that all hooks with this client share, created on first use. */
export function sharedUploadManager(client: Client): UploadManager {
  let manager = shared.get(client);
  if (manager === undefined) {
    manager = new UploadManager({ client });
    shared.set(client, manager);
  }
  return manager;
}

/** Renders at most 20 times a second. The functions keep their identity between renders, and nothing throws. */
export function useUploadManager(options: UploadManagerHookOptions = {}): Uploads {
  const client = useClient(options.client);
  const manager = options.manager ?? sharedUploadManager(client);
  const snapshot = useSyncExternalStore(manager.subscribe, manager.snapshot, manager.snapshot);
  const actions = useMemo(
    () => ({
      manager,
      add: (files: Iterable<NewFile>, options?: AddOptions) => manager.add(files, options),
      pause: (key?: string) => manager.pause(key),
      resume: (keys?: string | readonly string[]) => manager.resume(keys),
      retry: (key: string) => manager.retry(key),
      cancel: (key: string) => manager.cancel(key),
      forget: (key: string) => manager.forget(key),
      pick: (key: string, file: File) => manager.pick(key, file),
    }),
    [manager],
  );
  return useMemo(() => ({ ...snapshot, ...actions }), [snapshot, actions]);
}
