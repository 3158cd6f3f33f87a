import { texts } from "../texts.ts";
import { duration, moment } from "./formats.ts";
import { useNow } from "./useNow.ts";

/** Seconds below which every second counts. */
const SOON = 120;

interface Props {
  /** RFC 3339; null for a result that does not expire. */
  until: string | null;
  units?: number;
  /** The text around the time that is left. */
  sentence?: (left: string) => string;
}

/** How long a result can still be downloaded, with the exact time on hover. */
export function Expiry({ until, units = 2, sentence = (left) => left }: Props) {
  const soon = until !== null && Date.parse(until) - Date.now() < 1_000 * SOON;
  const now = useNow(until !== null, soon ? 1_000 : 30_000);
  if (until === null) return texts.ready.keeps;
  const seconds = (Date.parse(until) - now) / 1_000;
  return (
    <time dateTime={until} title={moment(until)} role="timer" aria-live="off">
      {seconds <= 0 ? texts.ready.expired : sentence(duration(seconds, units))}
    </time>
  );
}
