import { expect, test } from "vitest";
import { problem } from "../client/problems.ts";
import { B } from "../testing/environment.ts";
import { job } from "../testing/jobs.ts";
import { routeOf } from "./routes.ts";
import { ring, tabStatusOf } from "./tabStatus.ts";

test("without running jobs the tab has the page's name and icon", () => {
  expect(tabStatusOf([job({ status: "completed" })])).toEqual({ title: "Haulage", percent: null });
});

test("one job shows its percent and name, many show their mean and count", () => {
  const other = job({ jobId: B, percent: 61 });
  expect(tabStatusOf([job()])).toEqual({ title: "40% · photos.zip · Haulage", percent: 40 });
  expect(tabStatusOf([job(), other])).toEqual({ title: "50% · 2 downloads · Haulage", percent: 50 });
});

test("on a job's page the tab shows that job", () => {
  const done = job({ jobId: B, status: "completed", title: "b.zip" });
  expect(tabStatusOf([job(), done], done)).toEqual({ title: "Ready: b.zip · Haulage", percent: null });
});

test("on the page of a job that does not exist the tab shows no progress", () => {
  const missing = job({ jobId: B, status: "queued", percent: null, problem: problem("job_not_found") });
  expect(tabStatusOf([missing, job()], missing)).toEqual({ title: "Download · Haulage", percent: null });
});

test("the ring shows the percentage", () => {
  expect(decodeURIComponent(ring(50))).toContain('stroke-dasharray="37.70 75.40"');
});

test("a path is the form, a job, or not found", () => {
  expect(["/", "/jobs/a%20b", "/jobs/", "/jobs/%", "/else"].map((path) => routeOf(path))).toEqual([
    { name: "home" },
    { name: "job", jobId: "a b" },
    { name: "notFound" },
    { name: "job", jobId: "%" },
    { name: "notFound" },
  ]);
});

test("below a root path, paths with and without it are the same", () => {
  const paths = ["/a/b/", "/a/b", "/a/b/jobs/1", "/", "/jobs/1", "/a/bc", "/a"];
  expect(paths.map((path) => routeOf(path, "/a/b/").name)).toEqual([
    "home",
    "home",
    "job",
    "home",
    "job",
    "notFound",
    "notFound",
  ]);
});
