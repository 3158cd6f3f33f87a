import { moment, relative } from "./formats.ts";
import { useNow } from "./useNow.ts";

interface Props {
  /** RFC 3339. */
  at: string;
  /** The sentence around the time, such as "Requested 5 minutes ago". */
  sentence(when: string): string;
}

/** A time relative to now, updated every 30 s. The exact local time is shown on hover. */
export function RelativeTime({ at, sentence }: Props) {
  const now = useNow(true, 30_000);
  return (
    <time dateTime={at} title={moment(at)}>
      {sentence(relative(at, now))}
    </time>
  );
}
