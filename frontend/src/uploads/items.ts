// The uploads as users see them: immutable items, of which only those that change are made anew.
import type { Job } from "../client/jobs.ts";
import type { Problem } from "../client/problems.ts";

/**
 * `waiting`: not created yet, as too many are open; `sending`; `paused`; `offline`: server or store can't be reached, it
 * goes on by itself; `needs-file`: the file has to be picked (`pick`), or read again with the user's permission
 * (`resume`, if `hasHandle`); `checking`: sent completely, the server checks it; and three in which it has ended.
 */
export type UploadState =
  | "waiting"
  | "sending"
  | "paused"
  | "offline"
  | "needs-file"
  | "checking"
  | "completed"
  | "failed"
  | "cancelled";

/** One upload. Immutable: the same object until something changes. Sizes in bytes. */
export interface UploadItem {
  /** Identifies it in this manager, from before it has a `jobId`. */
  key: string;
  /** With folders, as `photos/sea/a.jpg`. */
  name: string;
  size: number;
  /** Of the file, in milliseconds since 1970; 0 if unknown. */
  lastModified: number;
  state: UploadState;
  /** What the store has, and what is on its way. */
  bytesSent: number;
  jobId?: string;
  /** Its id in the catalogue, once it is completed. */
  fileId?: number;
  /** The job as the server has sent it, once it is followed: after all was sent, or if it is sent elsewhere. */
  job?: Job;
  /** Why it failed or waits. */
  problem?: Problem;
  /** The file is not the one whose upload had begun, so that it is uploaded anew. */
  changed?: boolean;
  /** It was begun on another device or in another browser, and this page does not send it. */
  isElsewhere?: boolean;
  /** `needs-file` only: the browser can read the file again, once the user permits it. */
  hasHandle?: boolean;
}

export interface UploadSnapshot {
  /** In the order in which they were added. The same array until one of them changes. */
  items: readonly UploadItem[];
  /** Sums over all that were not cancelled and have not failed. */
  bytesSent: number;
  bytesTotal: number;
  /** Over the last seconds; 0 while nothing is sent. */
  bytesPerSecond: number;
  /** How many items have each state. */
  counts: Readonly<Record<UploadState, number>>;
}

/** States in which nothing happens any more by itself. */
export const UPLOAD_ENDED: ReadonlySet<UploadState> = new Set(["completed", "failed", "cancelled"]);

const COUNTED: (state: UploadState) => boolean = (state) => state !== "failed" && state !== "cancelled";
export const NO_COUNTS: Record<UploadState, number> = {
  waiting: 0,
  sending: 0,
  paused: 0,
  offline: 0,
  "needs-file": 0,
  checking: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
};

/** Keeps the items and their sums. A change costs the same however many there are, and a snapshot one copy of the list. */
export class Items {
  readonly #items = new Map<string, UploadItem>();
  readonly #counts = { ...NO_COUNTS };
  #bytesSent = 0;
  #bytesTotal = 0;
  /** Null once an item has changed. */
  #list: readonly UploadItem[] | null = null;

  get(key: string): UploadItem | undefined {
    return this.#items.get(key);
  }

  set(item: UploadItem): void {
    this.#count(this.#items.get(item.key), -1);
    this.#count(item, 1);
    this.#items.set(item.key, item);
  }

  delete(key: string): void {
    this.#count(this.#items.get(key), -1);
    this.#items.delete(key);
  }

  snapshot(bytesPerSecond: number): UploadSnapshot {
    this.#list ??= [...this.#items.values()];
    return {
      items: this.#list,
      bytesSent: this.#bytesSent,
      bytesTotal: this.#bytesTotal,
      bytesPerSecond,
      counts: { ...this.#counts },
    };
  }

  #count(item: UploadItem | undefined, sign: 1 | -1): void {
    this.#list = null;
    if (item === undefined) return;
    this.#counts[item.state] += sign;
    if (!COUNTED(item.state)) return;
    this.#bytesSent += sign * item.bytesSent;
    this.#bytesTotal += sign * item.size;
  }
}
