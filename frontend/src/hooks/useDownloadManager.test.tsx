// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { StrictMode, useState } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  A,
  B,
  FakeEnvironment,
  json,
  problemResponse,
  progress,
  type RecordedRequest,
  status,
} from "../testing/environment.ts";
import { type DownloadManagerOptions, type JobFilter, useDownloadManager, useJob } from "./index.ts";

let env: FakeEnvironment;
/** The server's list of jobs. */
let items: object[];

beforeEach(() => {
  env = new FakeEnvironment();
  items = [];
  env.respond = serve;
  window.history.replaceState(null, "", "/");
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function serve({ method, path, query }: RecordedRequest): Response {
  if (path === "/v1/download/jobs") return json({ jobs: items, nextCursor: query.get("cursor") ? null : "more" });
  if (path === "/v1/download/initiate") return json({ jobId: B, status: "queued", totalFileIds: 2, links: {} }, 202);
  if (method === "DELETE") return problemResponse(409, "illegal_transition");
  return json(status(1, { jobId: path.split("/")[4] ?? "" }));
}

function item(jobId: string, more: object = {}) {
  const moments = { createdAt: "2026-11-21T11:00:00Z", finishedAt: null, bundleExpiresAt: null };
  const numbers = { percent: null, filesTotal: 2, filesOmitted: 0, size: null };
  return { jobId, status: "processing", archiveName: "a.zip", links: {}, ...numbers, ...moments, ...more };
}

/** Advances time, and lets React render. */
const pass = (seconds = 0) => act(() => env.clock.advance(seconds));

async function manage(options: DownloadManagerOptions = {}) {
  const rendered = renderHook(() => useDownloadManager({ client: env.client, ...options }), { wrapper: StrictMode });
  await pass();
  return rendered;
}

test("running jobs of the list are followed, in StrictMode over one connection", async () => {
  items = [item(A), item(B, { status: "completed", createdAt: "2026-11-21T10:00:00Z" })];
  const { result } = await manage();
  await pass();
  expect(result.current.jobs.map((job) => job.jobId)).toEqual([A, B]);
  expect(env.sockets.filter((socket) => !socket.closed)).toHaveLength(1);
  await act(async () => {
    env.socket.open();
    env.socket.deliver(status(1));
  });
  expect(env.socket.sent).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 0 }] }]);
  await pass(0.1);
  expect(result.current.connection).toBe("live");
  await act(async () => env.socket.deliver(progress(2)));
  await pass(0.1);
  expect(result.current.jobs[0]?.percent).toBe(2);
});

test("a started job is open, in the URL, and followed", async () => {
  const { result } = await manage();
  await act(async () => void (await result.current.start({ file_ids: [10_000, 10_001], archiveName: "b" })));
  await pass(0.1);
  expect(result.current.openJobIds).toEqual([B]);
  expect(window.location.search).toBe(`?job=${B}`);
  expect(result.current.job(B)).toMatchObject({ archiveName: "b", filesTotal: 2, status: "queued" });
  env.socket.open();
  expect(env.socket.sent[0]?.jobs).toEqual([{ jobId: B, since: 0 }]);
});

test("after a reload the jobs in the URL are followed, whether listed or not", async () => {
  window.history.replaceState(null, "", `/?job=${A}&job=${B}&other=1`);
  const { result } = await manage({ list: false });
  env.socket.open();
  expect(env.socket.sent[0]?.jobs.map((job) => job.jobId).sort()).toEqual([A, B]);
  await act(async () => env.socket.deliver(status(1)));
  await pass(0.1);
  expect(result.current.jobs.map((job) => job.jobId)).toEqual([A]);
  act(() => result.current.closeJob(A));
  expect(window.location.search).toBe(`?other=1&job=${B}`);
  await pass();
  expect(env.socket.sent.at(-1)).toEqual({ type: "unfollow", jobs: [A] });
});

test("the back button restores the open jobs", async () => {
  const { result } = await manage({ list: false });
  act(() => result.current.openJob(A));
  expect(result.current.openJobIds).toEqual([A]);
  window.history.replaceState(null, "", "/");
  act(() => void window.dispatchEvent(new PopStateEvent("popstate")));
  expect(result.current.openJobIds).toEqual([]);
});

test("a failed action is kept until it is dismissed or repeated", async () => {
  const { result } = await manage();
  const outcome = await act(() => result.current.cancel(A));
  expect(outcome).toMatchObject({ ok: false, problem: { code: "illegal_transition", status: 409 } });
  await act(() => result.current.cancel(A));
  expect(result.current.failures).toMatchObject([{ action: "cancel", jobId: A, problem: { status: 409 } }]);
  act(() => result.current.dismiss(result.current.failures[0]?.id ?? 0));
  expect(result.current.failures).toEqual([]);
  await act(() => result.current.cancel(A));
  env.respond = () => json(status(2, { type: "cancelled", status: "cancelled" }));
  await act(() => result.current.cancel(A));
  expect(result.current.failures).toEqual([]);
});

test("the list continues at its cursor", async () => {
  items = [item(A)];
  const { result } = await manage();
  expect(result.current.hasMore).toBe(true);
  await act(() => result.current.loadMore());
  expect(env.requests.at(-1)?.query.get("cursor")).toBe("more");
  expect(result.current.hasMore).toBe(false);
  await act(() => result.current.refresh());
  expect(result.current.hasMore).toBe(false);
});

test("a filter asks the server, and hides what is known and does not match", async () => {
  const old = { createdAt: "2026-11-01T00:00:00Z", status: "failed", title: "Report.pdf" };
  items = [item(A, { title: "a.zip" })];
  const { result, rerender } = renderHook((filter: JobFilter) => useDownloadManager({ client: env.client, filter }), {
    initialProps: {},
  });
  await pass();
  expect(result.current.listed.map((job) => job.jobId)).toEqual([A]);
  items = [item(B, old)];
  rerender({ status: ["failed", "cancelled"], q: "report" });
  expect(result.current.listed).toEqual([]);
  await pass();
  await pass();
  expect(Object.fromEntries(env.requests.at(-1)?.query ?? [])).toMatchObject({
    status: "failed,cancelled",
    q: "report",
  });
  expect(result.current.listed.map((job) => job.jobId)).toEqual([B]);
  items = [item(A, { title: "a.zip" })];
  rerender({});
  await pass();
  // Older than what has been listed: it will be with the pages to come.
  expect(result.current.listed.map((job) => job.jobId)).toEqual([A]);
  expect(result.current.jobs.map((job) => job.jobId)).toEqual([A, B]);
});

test("a search goes on behind the names that a request has compared", async () => {
  const pages = [
    { jobs: [], nextCursor: "one" },
    { jobs: [item(A, { title: "found.zip" })], nextCursor: "two" },
    { jobs: [], nextCursor: null },
  ];
  env.respond = (asked) => (asked.path.endsWith("/jobs") ? json(pages.shift()) : serve(asked));
  const { result } = await manage({ filter: { q: "found" }, syncUrl: false });
  await pass();
  expect(pages).toEqual([]);
  expect(env.requests.filter(({ path }) => path.endsWith("/jobs")).map(({ query }) => query.get("cursor"))).toContain(
    "two",
  );
  expect(result.current.hasMore).toBe(false);
  expect(result.current.listed.map((job) => job.jobId)).toEqual([A]);
});

test("a failed list request is retried automatically until unmount", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  env.respond = () => problemResponse(503, "database_unavailable", { "Retry-After": "2" });
  const { result, unmount } = await manage();
  const before = env.requests.length;
  await act(() => vi.advanceTimersByTimeAsync(2_000));
  expect(env.requests).toHaveLength(before);
  await act(() => vi.advanceTimersByTimeAsync(1_000));
  expect(env.requests).toHaveLength(before + 1);
  env.respond = serve;
  await act(() => vi.advanceTimersByTimeAsync(4_000));
  expect(result.current.listProblem).toBeNull();
  env.respond = () => problemResponse(503, "database_unavailable");
  act(() => void window.dispatchEvent(new Event("online")));
  await pass();
  unmount();
  expect(vi.getTimerCount()).toBe(0);
});

test("a pending list request is aborted on unmount", async () => {
  env.respond = () => new Promise(() => {});
  const { unmount } = await manage();
  expect(env.requests.at(-1)?.signal?.aborted).toBe(false);
  unmount();
  expect(env.requests.at(-1)?.signal?.aborted).toBe(true);
});

test("a failed list request reports the problem, and can be refreshed", async () => {
  env.respond = () => problemResponse(503, "database_unavailable", { "Retry-After": "2" });
  const { result } = await manage();
  expect(result.current.listProblem?.code).toBe("database_unavailable");
  expect(result.current.loading).toBe(false);
  env.respond = serve;
  await act(() => result.current.refresh());
  expect(result.current.listProblem).toBeNull();
});

test("unmounting closes the connection and clears timers", async () => {
  items = [item(A)];
  const { unmount } = await manage();
  await pass();
  env.socket.open();
  unmount();
  await env.clock.advance(0.1);
  expect(env.socket.closed).toBe(true);
  expect(env.clock.waiting).toBe(0);
});

test("functions keep their identity between renders", async () => {
  const { result, rerender } = await manage();
  const { start, retry, cancel, link, openJob, refresh, dismiss } = result.current;
  act(() => result.current.openJob(A));
  rerender();
  expect(result.current).toMatchObject({ start, retry, cancel, link, openJob, refresh, dismiss });
});

test("useJob follows its job, and renders for no other job", async () => {
  let renders = 0;
  const { result } = renderHook(() => {
    renders += 1;
    useState(0);
    return useJob(A, env.client);
  });
  env.client.follow(B);
  await pass();
  await act(async () => {
    env.socket.open();
    env.socket.deliver(status(1));
  });
  expect(env.socket.sent[0]?.jobs.map((job) => job.jobId)).toEqual([B, A]);
  await pass(0.1);
  expect(result.current?.percent).toBe(1);
  const before = renders;
  await act(async () => env.socket.deliver(status(1, { jobId: B })));
  await pass(0.1);
  expect(renders).toBe(before);
});

test("a job that makes previews is followed like any other, and is no download", async () => {
  const { result } = await manage({ list: true });
  await act(() => env.followLive(A));
  await act(async () => env.socket.deliver({ ...status(2), kind: "image" }));
  await pass(0.1);
  expect(env.job?.detail?.kind).toBe("image");
  expect(result.current.jobs).toEqual([]);
});
