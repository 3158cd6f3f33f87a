import { beforeEach, describe, expect, test } from "vitest";
import {
  A,
  B,
  FakeEnvironment,
  json,
  problemResponse,
  type RecordedRequest,
  status,
  unreachable,
} from "../testing/environment.ts";

let env: FakeEnvironment;
beforeEach(() => {
  env = new FakeEnvironment();
});

const accepted = { jobId: B, status: "queued", totalFileIds: 1, links: {} };

/** The result of a call, with time advancing. */
async function done<T>(asked: Promise<T>): Promise<T> {
  await env.clock.advance(60);
  return asked;
}

describe("starting", () => {
  test("is retried with the same key after no response", async () => {
    let times = 0;
    env.respond = () => {
      times += 1;
      return times === 1 ? unreachable() : json(accepted, 202);
    };
    const outcome = await done(env.client.start({ file_ids: [10_000] }));
    expect(outcome.ok && outcome.value.jobId).toBe(B);
    const keys = env.requests.map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]?.length).toBeGreaterThan(0);
    expect(env.requests[0]?.body).toEqual({ file_ids: [10_000] });
  });

  test("gives up after three tries", async () => {
    const outcome = await done(env.client.start({ file_ids: [10_000] }));
    expect(outcome).toMatchObject({ ok: false, problem: { code: "unreachable", status: null } });
    expect(env.requests).toHaveLength(3);
  });

  test("is not retried after a rejection", async () => {
    const errors = [{ field: "file_ids[0]", message: "too small" }];
    env.respond = () => problemResponse(400, "invalid_request", {}, { errors });
    const outcome = await done(env.client.start({ file_ids: [1] }));
    expect(outcome).toMatchObject({ ok: false, problem: { code: "invalid_request", status: 400, fields: errors } });
    expect(env.requests).toHaveLength(1);
  });

  test("a full queue reports Retry-After and the queue position", async () => {
    env.respond = () =>
      problemResponse(503, "queue_full", { "Retry-After": "15", "X-Request-ID": "r-1" }, { queuePosition: 7 });
    const outcome = await done(env.client.start({ file_ids: [10_000] }));
    expect(outcome).toMatchObject({
      problem: { code: "queue_full", retryAfter: 15, queuePosition: 7, requestId: "r-1" },
    });
  });
});

describe("retrying", () => {
  const file = (index: number, state: string, name: string | null) => ({
    ...{ index, fileId: 10_000 + index, name, status: state, bytesDone: 0, size: 1, error: null },
  });

  test("retryFailed starts a new job with failed and omitted files", async () => {
    const files = [file(0, "done", "a"), file(1, "failed", "b"), file(2, "omitted", null)] as never;
    const job = status(3, { status: "completed", onMissing: "skip", compression: "deflate", files });
    env.respond = ({ method }: RecordedRequest) => (method === "POST" ? json(accepted, 202) : json(job));
    const outcome = await done(env.client.retryFailed(A));
    expect(outcome.ok && outcome.value.jobId).toBe(B);
    expect(env.requests.at(-1)?.body).toEqual({
      files: [
        { file_id: 10_001, name: "b" },
        { file_id: 10_002, name: null },
      ],
      archiveName: "a.zip",
      onMissing: "skip",
      compression: "deflate",
    });
  });

  test("retryFailed without failed files, or with URLs only, is a problem", async () => {
    const url = { ...file(1, "failed", "b"), fileId: 0 };
    env.respond = () => json(status(3, { files: [file(0, "done", "a"), url] as never }));
    expect(await done(env.client.retryFailed(A))).toMatchObject({ problem: { code: "nothing_failed" } });
  });

  test("retry refetches the job past all caches", async () => {
    env.respond = ({ method }: RecordedRequest) =>
      method === "POST" ? json(accepted, 202) : json(status(4, { status: "queued" }));
    await done(env.client.retry(A));
    expect(env.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /v1/download/job/${A}/retry`,
      `GET /v1/download/job/${A}`,
    ]);
    expect(env.requests[1]?.cache).toBe("no-store");
    expect(env.job?.status).toBe("queued");
  });
});

describe("problems", () => {
  test("no response in 30 s", async () => {
    env.respond = () => new Promise(() => {});
    const asked = env.client.link(A);
    await env.clock.advance(29.9);
    expect(await Promise.race([asked, "waiting"])).toBe("waiting");
    await env.clock.advance(0.1);
    expect(await asked).toMatchObject({ problem: { code: "timeout" } });
  });

  test("a response clears the timeout", async () => {
    env.respond = () => json({});
    expect((await env.client.link(A)).ok).toBe(true);
    expect(env.clock.waiting).toBe(0);
  });

  test("aborted by the caller", async () => {
    env.respond = () => new Promise(() => {});
    const giveUp = new AbortController();
    const asked = env.client.preflight({ file_ids: [10_000] }, { signal: giveUp.signal });
    giveUp.abort();
    expect(await asked).toMatchObject({ problem: { code: "aborted" } });
  });

  test("no network", async () => {
    env.online = false;
    expect(await env.client.link(A)).toMatchObject({ problem: { code: "offline" } });
  });

  test.each([
    ["an error page of a proxy", () => new Response("<h1>Bad Gateway</h1>", { status: 502 }), 502],
    ["a sign-in page instead of a response", () => new Response("<h1>Log in</h1>"), null],
    ["a JSON error of a proxy", () => json({ error: "no" }, 403), 403],
    ["a truncated problem", () => new Response("{", { status: 500, headers: PROBLEM }), 500],
  ])("%s", async (_, answer, code) => {
    env.respond = answer;
    expect(await env.client.link(A)).toMatchObject({ problem: { code: "unexpected_response", status: code } });
  });

  test("Retry-After may be a date", async () => {
    env.respond = () => problemResponse(503, "database_busy", { "Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT" });
    expect(await env.client.link(A)).toMatchObject({ problem: { retryAfter: 30 } });
  });
});
const PROBLEM = { "Content-Type": "application/problem+json" };

describe("the store", () => {
  const line = {
    jobId: A,
    status: "completed",
    archiveName: "a",
    percent: 100,
    filesTotal: 1,
    filesOmitted: 0,
    size: 1,
  };

  test("a list item does not overwrite a followed job", async () => {
    await env.followLive();
    env.respond = () => json({ jobs: [{ ...line, status: "queued", percent: null }], nextCursor: null });
    await env.client.list();
    expect(env.job).toMatchObject({ status: "processing", percent: 1 });
  });

  test("an ended job that was retried elsewhere is refetched", async () => {
    env.respond = () => json(status(3, { status: "failed" }));
    await env.client.status(A);
    env.respond = ({ path }: RecordedRequest) =>
      path.endsWith("/jobs") ? json({ jobs: [{ ...line, status: "queued" }] }) : json(status(4, { status: "queued" }));
    await env.client.list();
    await env.clock.advance(0);
    expect(env.job?.status).toBe("queued");
  });

  test("earlier states are not mutated", async () => {
    await env.followLive();
    const before = env.client.getState();
    env.socket.deliver(status(2));
    expect(before.jobs.get(A)?.percent).toBe(1);
    expect(env.client.getState().jobs.get(A)?.percent).toBe(2);
  });

  test("listeners are notified immediately, then at most every 30 ms", async () => {
    await env.followLive();
    await env.clock.advance(1);
    let heard = 0;
    env.client.subscribe(() => {
      heard += 1;
    });
    for (let tick = 1; tick <= 20; tick += 1) env.socket.deliver(status(1, { tick }));
    expect(heard).toBe(1);
    await env.clock.advance(0.03);
    expect(heard).toBe(2);
    expect(env.job?.detail?.tick).toBe(20);
  });

  test("an unchanged file stays the same object", async () => {
    const file = (index: number, bytesDone: number) =>
      ({ index, fileId: 10_000 + index, name: "a", status: "active", bytesDone, size: 9, error: null }) as const;
    await env.followLive();
    env.socket.deliver(status(2, { files: [file(0, 1), file(1, 1)] }));
    const [first, second] = env.job?.detail?.files ?? [];
    env.socket.deliver(status(3, { files: [file(0, 1), file(1, 2)] }));
    expect(env.job?.detail?.files[0]).toBe(first);
    expect(env.job?.detail?.files[1]).not.toBe(second);
  });
});
