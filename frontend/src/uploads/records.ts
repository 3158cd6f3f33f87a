// What is remembered of uploads that have not ended, in IndexedDB: which job belongs to which file of this machine.

import type { AddOptions } from "./upload.ts";

/** An upload that was begun in this browser. Size in bytes, `lastModified` in milliseconds. */
export interface UploadRecord {
  key: string;
  /** Whose it is: the server's address, and what the page calls the user. */
  scope: string;
  /** The manager that has the file now, or had it before a crash. */
  session: string;
  name: string;
  size: number;
  lastModified: number;
  addedAt: number;
  options: AddOptions;
  /** Where the browser has them (Chromium). */
  handle?: FileSystemFileHandle | undefined;
  /** Not before the upload was created. */
  jobId?: string | undefined;
  /** The user has paused it, so that it does not go on by itself. */
  paused?: boolean | undefined;
}

/** Nothing here rejects: without IndexedDB (a private window), nothing is remembered. */
export interface Records {
  /** Those of this scope whose manager is not open in another tab. */
  load(scope: string): Promise<UploadRecord[]>;
  save(records: readonly UploadRecord[]): Promise<void>;
  delete(keys: readonly string[]): Promise<void>;
  /** This tab has the uploads of this session until the returned function is called, or the tab ends. */
  hold(session: string): () => void;
}

const DATABASE = "haulage-uploads";
const STORE = "uploads";
const LOCK = "haulage-uploads:";

export function openRecords(): Records {
  let database: Promise<IDBDatabase> | undefined;

  /** At the next use: browsers close a database, or fail to open it, when its files are cleared or the disk is full. */
  function reopen(): void {
    database = undefined;
  }

  function open(): Promise<IDBDatabase> {
    database ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
      request.onsuccess = () => {
        request.result.onclose = reopen;
        resolve(request.result);
      };
      request.onerror = () => {
        reopen();
        reject(request.error);
      };
    });
    return database;
  }

  async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T> | void, otherwise: T) {
    try {
      const transaction = (await open()).transaction(STORE, mode);
      return await new Promise<T>((resolve, reject) => {
        const request = work(transaction.objectStore(STORE));
        transaction.oncomplete = () => resolve(request ? request.result : otherwise);
        transaction.onabort = () => reject(transaction.error);
      });
    } catch {
      return otherwise;
    }
  }

  return {
    async load(scope) {
      const records = await run<UploadRecord[]>("readonly", (store) => store.getAll(), []);
      const locks = await navigator.locks?.query().catch(() => undefined);
      const held = new Set(locks?.held?.map(({ name }) => name));
      return records
        .filter((one) => one.scope === scope && !held.has(LOCK + one.session))
        .sort((one, other) => one.addedAt - other.addedAt);
    },
    async save(records) {
      await run<void>(
        "readwrite",
        (store) => {
          for (const record of records) store.put(record);
        },
        undefined,
      );
    },
    async delete(keys) {
      await run<void>(
        "readwrite",
        (store) => {
          for (const key of keys) store.delete(key);
        },
        undefined,
      );
    },
    hold(session) {
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      navigator.locks?.request(LOCK + session, () => held).catch(() => {});
      return release;
    },
  };
}
