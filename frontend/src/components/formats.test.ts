import { expect, test } from "vitest";
import { age, bytes, duration, moment, percent, relative, span } from "./formats.ts";

test("bytes have three digits, in the unit that fits", () => {
  const shown = [0, 999, 1_000, 1_234, 12_345, 123_456, 999_499, 999_500, 8_388_608, 5e12].map(bytes);
  expect(shown).toEqual([
    "0 B",
    "999 B",
    "1.00 kB",
    "1.23 kB",
    "12.3 kB",
    "123 kB",
    "999 kB",
    "1.00 MB",
    "8.39 MB",
    "5.00 TB",
  ]);
});

test("percent is never rounded up: not done is not shown as done", () => {
  expect([0, 43.27, 99.96, 99.999, 100].map(percent)).toEqual(["0.0", "43.2", "99.9", "99.9", "100"]);
});

test("a span is in the largest unit of which there are two", () => {
  expect([30 * 86_400, 36 * 3_600, 7_200, 90, 1].map(span)).toEqual([
    "30 days",
    "36 hours",
    "2 hours",
    "90 seconds",
    "1 second",
  ]);
});

test("a duration has its two largest units", () => {
  expect([0, 0.2, 59.5, 61, 3_600, 7_530, 86_400 + 3_600].map((seconds) => duration(seconds))).toEqual([
    "0 s",
    "1 s",
    "1 min",
    "1 min 1 s",
    "1 h",
    "2 h 5 min",
    "1 d 1 h",
  ]);
});

test("a moment is relative to now for a week, then a date", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const ago = (seconds: number) => relative(new Date(now - 1_000 * seconds).toISOString(), now);
  expect([-60, 0, 44, 45, 300, 3_569, 3_570, 5 * 3_600, 84_600, 3 * 86_400].map(ago)).toEqual([
    "just now",
    "just now",
    "just now",
    "1 minute ago",
    "5 minutes ago",
    "59 minutes ago",
    "1 hour ago",
    "5 hours ago",
    "yesterday",
    "3 days ago",
  ]);
  expect(ago(7 * 86_400)).toBe(`on ${moment("2026-11-14T12:00:00Z")}`);
});

test("an age is short: a few letters for a week, then a day", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  const ago = (seconds: number) => age(new Date(now - 1_000 * seconds).toISOString(), now);
  expect([0, 300, 5 * 3_600, 84_600, 3 * 86_400, 7 * 86_400].map(ago)).toEqual([
    "just now",
    "5m ago",
    "5h ago",
    "yesterday",
    "3d ago",
    "Nov 14",
  ]);
});

test("a duration in one unit leaves the rest out", () => {
  expect([7_530, 86_399].map((seconds) => duration(seconds, 1))).toEqual(["2 h", "23 h"]);
});
