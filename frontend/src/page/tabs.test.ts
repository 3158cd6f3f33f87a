import { expect, test } from "vitest";
import { job } from "../testing/jobs.ts";
import { B } from "../testing/worlds.ts";
import { routeOf } from "./routes.ts";
import { ring, tabOf } from "./tabs.ts";

test("at rest the tab has the page's own name and icon", () => {
  expect(tabOf([job({ status: "completed" })])).toEqual({ title: "Haulage", percent: null });
});

test("one job shows its percent and name, many their mean and number", () => {
  const other = job({ jobId: B, percent: 61 });
  expect(tabOf([job()])).toEqual({ title: "40% · photos.zip · Haulage", percent: 40 });
  expect(tabOf([job(), other])).toEqual({ title: "50% · 2 downloads · Haulage", percent: 50 });
});

test("on its own page a job speaks for itself", () => {
  const done = job({ jobId: B, status: "completed", archiveName: "b.zip" });
  expect(tabOf([job(), done], done)).toEqual({ title: "Ready: b.zip · Haulage", percent: null });
});

test("the ring is as full as the job", () => {
  expect(decodeURIComponent(ring(50))).toContain('stroke-dasharray="37.70 75.40"');
});

test("an address is the form, a job, or not found", () => {
  expect(["/", "/jobs/a%20b", "/jobs/", "/jobs/%", "/else"].map(routeOf)).toEqual([
    { name: "home" },
    { name: "job", jobId: "a b" },
    { name: "notFound" },
    { name: "job", jobId: "%" },
    { name: "notFound" },
  ]);
});
