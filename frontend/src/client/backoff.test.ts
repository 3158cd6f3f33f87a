import { describe, expect, test } from "vitest";
import { backoff, disconnectOf, jittered } from "./backoff.ts";

describe("reconnect delays", () => {
  test("the backoff grows from 0.5 s to 20 s and no further", () => {
    expect([0, 1, 2, 3, 4, 5, 60].map((failures) => backoff(failures))).toEqual([
      [0.5, 1],
      [0.5, 2],
      [0.5, 4],
      [0.5, 8],
      [0.5, 16],
      [0.5, 20],
      [0.5, 20],
    ]);
  });

  test("a jittered delay lies in its range, in milliseconds", () => {
    expect(jittered([0.5, 20], () => 0)).toBe(500);
    expect(jittered([0.5, 20], () => 0.999)).toBeLessThan(20_000);
    expect(jittered([2, 4], () => 0.5)).toBe(3_000);
  });

  test.each([1009, 4400, 4401, 4403, 4404, 4406, 4421])("close code %i is permanent", (code) => {
    expect(disconnectOf(code).permanent).toBe(true);
  });

  test.each([
    [1011, 5, 15],
    [1012, 0.5, 5],
    [4408, 1, 5],
    [4429, 15, 45],
    [4503, 2, 10],
  ])("close code %i has its own delay", (code, from, to) => {
    expect(disconnectOf(code).delay).toEqual([from, to]);
  });

  test("any other code is a lost connection", () => {
    expect(disconnectOf(1006)).toEqual({ delay: undefined, permanent: false });
  });
});
