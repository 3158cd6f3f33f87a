// Numbers and times that only operators read.
import { duration } from "../components/formats.ts";

/** Seconds with as many digits as say something: `85 ms`, `1.2 s`, `2 h 5 min`; a dash for what is not known. */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value < 0.9995) return `${Math.round(1_000 * value)} ms`;
  if (value < 9.95) return `${value.toFixed(1)} s`;
  return value < 59.5 ? `${Math.round(value)} s` : duration(value);
}

/** A share from 0 to 1 in percent, rounded down to one decimal, so that 100 % means all; a dash for what is not known. */
export function share(value: number | null): string {
  if (value === null) return "–";
  // Of 999 in 1,000 floating point makes 99.89999…
  return value >= 1 ? "100%" : `${(Math.floor(1_000 * value + 1e-9) / 10).toFixed(1)}%`;
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });
const clockSeconds = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hour12: false,
});

/** Hour and minute (RFC 3339) in local time: `14:05`. */
export function minuteOf(text: string): string {
  return clock.format(new Date(text));
}

/** The same to a millisecond: `14:05:09.120`. */
export function instant(text: string): string {
  return clockSeconds.format(new Date(text));
}

/** Seconds between two moments (RFC 3339), never below 0. `to`: milliseconds for one that is not over. */
export function between(from: string, to: string | number): number {
  return Math.max(0, ((typeof to === "number" ? to : Date.parse(to)) - Date.parse(from)) / 1_000);
}
