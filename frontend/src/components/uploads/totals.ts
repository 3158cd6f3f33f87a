// What the uploads of this page come to; those of other devices are not counted.
import type { UploadItem, UploadState } from "../../uploads/index.ts";
import { NO_COUNTS } from "../../uploads/items.ts";

export interface Totals {
  /** Bytes of the files that are counted: those that were completed, and those that may still be. */
  bytesSent: number;
  bytesTotal: number;
  counts: Record<UploadState, number>;
  /** How many have not ended, without those that lack their file. */
  active: number;
  /** How many of them go on by themselves, as long as the page stays open. */
  moving: number;
  /** 0 to 100, below 100 until all have ended; null if there is nothing to show. */
  percent: number | null;
}

const UNCOUNTED: readonly UploadState[] = ["needs-file", "failed", "cancelled"];

export function totalsOf(items: readonly UploadItem[]): Totals {
  const counts = { ...NO_COUNTS };
  let bytesSent = 0;
  let bytesTotal = 0;
  for (const item of items) {
    if (item.isElsewhere) continue;
    counts[item.state] += 1;
    if (UNCOUNTED.includes(item.state)) continue;
    bytesSent += item.bytesSent;
    bytesTotal += item.size;
  }
  const moving = counts.waiting + counts.sending + counts.offline;
  const active = moving + counts.paused + counts.checking;
  const done = bytesTotal === 0 ? counts.completed / (active + counts.completed) : bytesSent / bytesTotal;
  const percent = active > 0 ? Math.min(99.9, 100 * done) : counts.completed > 0 ? 100 : null;
  return { bytesSent, bytesTotal, counts, active, moving, percent };
}
