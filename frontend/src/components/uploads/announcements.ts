// What screen readers announce of this page's uploads: all together, since single files would be too many.
import { uploadTexts } from "../../uploadTexts.ts";
import type { Totals } from "./totals.ts";

const QUARTER = 25;

/** The announcement for a change; null if there is none. Files are announced by whoever has added them. */
export function announcementOf(before: Totals, after: Totals): string | null {
  const text = uploadTexts.announce;
  const [was, is] = [before.counts, after.counts];
  if (after.active === 0 && before.active > 0 && is.completed + is.failed > 0)
    return text.done(is.completed, is.failed);
  if (is["needs-file"] > was["needs-file"]) return text.needed(is["needs-file"]);
  if (is.failed > was.failed) return text.failed(is.failed - was.failed);
  if (is.offline > 0 && was.offline === 0) return text.offline;
  const quarter = quarterOf(after);
  return after.active > 0 && quarter > quarterOf(before) ? text.reached(quarter * QUARTER) : null;
}

/** Screen readers announce only a text that differs from the last one: the same again ends with a no-break space. */
export function announcedAgain(last: string, text: string): string {
  return text === last ? `${text}\u00a0` : text;
}

function quarterOf({ percent }: Totals): number {
  return Math.floor((percent ?? 0) / QUARTER);
}
