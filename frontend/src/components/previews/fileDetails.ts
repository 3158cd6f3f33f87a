// The files of the catalogue whose previews are shown, as the server has described them last.
import type { Client, FileDetail, Problem } from "../../client/index.ts";
import { fetchFile } from "../catalogueFiles.ts";

/** What is known of a file. */
export interface KnownFile {
  /** Undefined until it was fetched once. */
  detail: FileDetail | undefined;
  /** Why the last request failed. */
  problem: Problem | null;
}

const UNKNOWN: KnownFile = { detail: undefined, problem: null };

/** Fetches details of files, and keeps them for all components that show the same file. */
export class FileDetails {
  readonly #client: Client;
  readonly #known = new Map<number, KnownFile>();
  readonly #loading = new Set<number>();
  /** Those that have to be fetched again after the request under way. */
  readonly #again = new Set<number>();
  readonly #listeners = new Set<() => void>();

  constructor(client: Client) {
    this.#client = client;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The same object until it was fetched again. */
  get(fileId: number): KnownFile {
    return this.#known.get(fileId) ?? UNKNOWN;
  }

  /** Fetches a file. A call during a request leads to one more request after it, which sees what has changed since. */
  async load(fileId: number): Promise<void> {
    this.#again.add(fileId);
    if (this.#loading.has(fileId)) return;
    this.#loading.add(fileId);
    while (this.#again.delete(fileId)) {
      const outcome = await fetchFile(this.#client, fileId);
      const { detail } = this.get(fileId);
      this.#known.set(
        fileId,
        outcome.ok ? { detail: outcome.value, problem: null } : { detail, problem: outcome.problem },
      );
      for (const listener of [...this.#listeners]) listener();
    }
    this.#loading.delete(fileId);
  }
}

const shared = new WeakMap<Client, FileDetails>();

/** Those of a client, created on first use. */
export function fileDetailsOf(client: Client): FileDetails {
  let details = shared.get(client);
  if (details === undefined) {
    details = new FileDetails(client);
    shared.set(client, details);
  }
  return details;
}
