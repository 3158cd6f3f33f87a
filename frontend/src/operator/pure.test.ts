import { describe, expect, test } from "vitest";
import { HEIGHT, niceMax, stacked, steps } from "./chart.ts";
import { filterFor, filterOf, NO_FILTER, searchOf, serverFilter } from "./filters.ts";
import { seconds, share } from "./formats.ts";
import { lifeOf, toneOf } from "./life.ts";
import { rightsOf } from "./rights.ts";
import { jobHref, jobsHref, routeOf } from "./routes.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

describe("A filter", () => {
  const chosen = { q: "a&b", status: "failed", kind: "upload", owner: "anna", since: "24h", dead: true } as const;

  test("survives in the address", () => {
    expect(filterOf(searchOf(chosen))).toEqual(chosen);
    expect(searchOf(NO_FILTER)).toBe("");
    expect(jobsHref(chosen)).toBe("/operator/jobs?q=a%26b&status=failed&kind=upload&owner=anna&since=24h&dead=true");
  });

  test("has nothing that only the address knows", () => {
    expect(filterOf("?status=lost&kind=&since=1y&dead=1&more=x")).toEqual(NO_FILTER);
  });

  test("is sent with moments, and without what is not chosen", () => {
    expect(serverFilter(chosen, NOW)).toEqual({
      ...chosen,
      status: ["failed"],
      kind: ["upload"],
      since: "2026-11-20T12:00:00.000Z",
    });
    expect(serverFilter({ ...NO_FILTER, q: "  " }, NOW)).toEqual({});
  });

  test("for an action has the statuses that it can change, and jobs of before", () => {
    expect(filterFor("retry", NO_FILTER, NOW)).toEqual({
      status: ["failed", "cancelled", "expired"],
      until: "2026-11-21T12:00:00.000Z",
    });
    expect(filterFor("cancel", NO_FILTER, NOW)?.status).toEqual(["receiving", "queued", "processing", "retrying"]);
    expect(filterFor("retry", { ...NO_FILTER, dead: true }, NOW)).toMatchObject({ status: ["failed"], dead: true });
  });

  test("for deletion has dead jobs only", () => {
    expect(filterFor("delete", NO_FILTER, NOW)).toMatchObject({ status: ["failed"], dead: true });
    expect(filterFor("delete", { ...NO_FILTER, status: "completed" }, NOW)).toBeNull();
  });

  test("of jobs that an action can't change has none", () => {
    expect(filterFor("retry", { ...NO_FILTER, status: "processing" }, NOW)).toBeNull();
    expect(filterFor("cancel", { ...NO_FILTER, dead: true }, NOW)).toBeNull();
    expect(filterFor("cancel", { ...NO_FILTER, status: "failed" }, NOW)).toBeNull();
  });
});

describe("Numbers", () => {
  test.each([
    [null, "–"],
    [0, "0 ms"],
    [0.0854, "85 ms"],
    [0.9996, "1.0 s"],
    [1.26, "1.3 s"],
    [12.4, "12 s"],
    [78, "1 min 18 s"],
    [7_500, "2 h 5 min"],
  ])("%s seconds are %s", (value, text) => expect(seconds(value)).toBe(text));

  test.each([
    [null, "–"],
    [1, "100%"],
    [0.99999, "99.9%"],
    [0.999, "99.9%"],
    [0.5, "50.0%"],
    [0, "0.0%"],
  ])("a share of %s is %s, never rounded up to all", (value, text) => expect(share(value)).toBe(text));
});

describe("A graph", () => {
  test.each([
    [0, 1],
    [1, 1],
    [3, 5],
    [10, 10],
    [11, 20],
    [400, 500],
    [2_001, 5_000],
  ])("of values up to %i is %i high", (value, max) => expect(niceMax(value)).toBe(max));

  test("stacks its bars from the bottom", () => {
    const items = [{ good: 3, bad: 1 }];
    const [good, bad] = stacked(items, [(item) => item.good, (item) => item.bad], 4);
    expect(good).toEqual([{ x: 0, y: HEIGHT / 4, height: (3 * HEIGHT) / 4 }]);
    expect(bad).toEqual([{ x: 0, y: 0, height: HEIGHT / 4 }]);
  });

  test("has a line that is level for each minute", () => {
    expect(steps([0, 4], (value) => value, 4)).toBe(`0,${HEIGHT} 1,${HEIGHT} 1,0 2,0`);
  });
});

describe("The life of a job", () => {
  const at = (seconds: number) => new Date(NOW + 1_000 * seconds).toISOString();
  const attempt = (from: number, to: number | null, outcome: string | null, error = false) => ({
    attempt: 1,
    worker: "w",
    startedAt: at(from),
    endedAt: to === null ? null : at(to),
    outcome,
    error: error ? ({ class: "storage", message: "" } as const) : null,
    phase: null,
    bytes: null,
    bytesPerSecond: null,
  });
  const short = (parts: ReturnType<typeof lifeOf>) => parts.map(({ tone, time }) => [tone, time]);

  test("has waits and attempts in turns, and ends now while it waits", () => {
    const parts = lifeOf(at(0), [attempt(10, 40, "fail", true)], NOW + 50_000);
    expect(short(parts)).toEqual([
      ["waiting", 10],
      ["bad", 30],
      ["waiting", 10],
    ]);
  });

  test("ends with the attempt that runs", () => {
    const parts = lifeOf(at(0), [attempt(0, 5, "release"), attempt(6, null, null)], NOW + 9_000);
    expect(short(parts)).toEqual([
      ["still", 5],
      ["waiting", 1],
      ["going", 3],
    ]);
  });

  test("that is over has no wait after its result", () => {
    expect(short(lifeOf(at(0), [attempt(1, 3, "succeed")], at(3)))).toEqual([
      ["waiting", 1],
      ["done", 2],
    ]);
    expect(toneOf(attempt(0, 1, "cancel"))).toBe("still");
  });
});

test.each([
  ["/operator", { name: "overview" }],
  ["/operator/", { name: "overview" }],
  ["/operator/jobs", { name: "jobs" }],
  ["/operator/jobs/7", { name: "job", jobId: "7" }],
  ["/operators", { name: "notFound" }],
  ["/operator/other", { name: "notFound" }],
  ["/haulage/operator/jobs/7", { name: "job", jobId: "7" }],
])("%s is a view", (path, route) => {
  expect(routeOf(path, path.startsWith("/haulage") ? "/haulage/" : "/")).toEqual(route);
  expect(jobHref("7")).toBe("/operator/jobs/7");
});

test.each([
  ["required", "user", false, false],
  ["required", null, false, false],
  ["required", "support", true, false],
  ["required", "operator", true, true],
  ["required", "admin", true, true],
  ["open", null, true, true],
] as const)("%s: %s sees: %s, acts: %s", (mode, role, canSee, canAct) => {
  expect(rightsOf({ mode, role })).toMatchObject({ canSee, canAct });
});
