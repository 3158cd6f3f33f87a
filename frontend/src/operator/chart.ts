// The geometry of the graphs of the last hour. Pure.
import type { Minute } from "./schemas.ts";

/** The least "round" number (1, 2 or 5 times a power of ten) that is not below the value; at least 1. */
export function niceMax(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

/** A column of stacked bars, in units of the graph: a minute is 1 wide, and the graph `HEIGHT` high. */
export interface Bar {
  x: number;
  y: number;
  height: number;
}
export const HEIGHT = 40;

/** One bar a minute for each of the series, each standing on those before it. */
export function stacked<T>(items: readonly T[], series: readonly ((item: T) => number)[], max: number): Bar[][] {
  return series.map((value, index) =>
    items.map((item, x) => {
      const below = series.slice(0, index).reduce((sum, other) => sum + other(item), 0);
      const height = (HEIGHT * value(item)) / max;
      return { x, y: HEIGHT - (HEIGHT * below) / max - height, height };
    }),
  );
}

/** A line of steps over the minutes, as the `points` of a polyline. */
export function steps<T>(items: readonly T[], value: (item: T) => number, max: number): string {
  return items
    .flatMap((item, x) => {
      const y = round(HEIGHT - (HEIGHT * value(item)) / max);
      return [`${x},${y}`, `${x + 1},${y}`];
    })
    .join(" ");
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}

export function total(minutes: readonly Minute[], value: (minute: Minute) => number): number {
  return minutes.reduce((sum, minute) => sum + value(minute), 0);
}
