// Numbers and times for display.
import { texts } from "../texts.ts";

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const SPANS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
const whole = new Intl.NumberFormat(texts.language);
const past = new Intl.RelativeTimeFormat(texts.language, { numeric: "auto" });
const shortPast = new Intl.RelativeTimeFormat(texts.language, { numeric: "auto", style: "narrow" });
const days = new Intl.DateTimeFormat(texts.language, { month: "short", day: "numeric" });
const moments = new Intl.DateTimeFormat(texts.language, { dateStyle: "medium", timeStyle: "short" });

/** Bytes in decimal units with three digits: `1.23 MB`. */
export function bytes(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export function count(value: number): string {
  return whole.format(value);
}

/** Percent with one decimal, rounded down, so that nothing looks done too early. */
export function percent(value: number): string {
  return value >= 100 ? "100" : (Math.floor(value * 10) / 10).toFixed(1);
}

/** Seconds in the largest units, two by default: `2 h 5 min`. */
export function duration(seconds: number, units = 2): string {
  const all = Math.max(0, Math.ceil(seconds));
  const parts: [number, string][] = [
    [Math.floor(all / 86_400), "d"],
    [Math.floor(all / 3_600) % 24, "h"],
    [Math.floor(all / 60) % 60, "min"],
    [all % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return "0 s";
  const shown = parts.slice(first, first + units).filter(([value], index) => index === 0 || value > 0);
  return shown.map(([value, unit]) => `${value} ${unit}`).join(" ");
}

/** Seconds in words, in the largest unit of which there are at least two: `30 days`, `36 hours`. */
export function span(seconds: number): string {
  const [unit, length] = SPANS.find(([, length]) => seconds >= 2 * length) ?? (["second", 1] as const);
  return new Intl.NumberFormat(texts.language, {
    style: "unit",
    unit,
    unitDisplay: "long",
    maximumFractionDigits: 0,
  }).format(seconds / length);
}

/** A moment (RFC 3339) relative to `now` (milliseconds): `5 minutes ago`, `yesterday`, after a week `on Nov 21, 2026, 1:00 PM`. */
export function relative(text: string, now: number): string {
  return ago(text, now, past) ?? texts.time.on(moment(text));
}

/** The same in a few letters: `5m ago`, `yesterday`, after a week `Nov 21`. */
export function age(text: string, now: number): string {
  return ago(text, now, shortPast) ?? days.format(new Date(text));
}

/** Null after a week. */
function ago(text: string, now: number, format: Intl.RelativeTimeFormat): string | null {
  const seconds = (now - Date.parse(text)) / 1_000;
  if (seconds < 45) return texts.time.now; // also a future time: the clocks of server and browser may differ
  if (seconds < 3_570) return format.format(-Math.max(1, Math.round(seconds / 60)), "minute");
  if (seconds < 84_600) return format.format(-Math.round(seconds / 3_600), "hour");
  return seconds < 7 * 86_400 ? format.format(-Math.max(1, Math.floor(seconds / 86_400)), "day") : null;
}

/** A moment (RFC 3339) in local time. */
export function moment(text: string): string {
  return moments.format(new Date(text));
}
