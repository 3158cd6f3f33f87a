import { beforeEach, describe, expect, test } from "vitest";
import { A, type Asked, B, json, refusal, status, unreachable, World } from "../testing/worlds.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

const accepted = { jobId: B, status: "queued", totalFileIds: 1, links: {} };

/** What comes of it when time does not stand still. */
async function done<T>(asked: Promise<T>): Promise<T> {
  await world.clock.advance(60);
  return asked;
}

describe("starting", () => {
  test("is asked for once more with the same key when no answer came", async () => {
    let times = 0;
    world.answer = () => {
      times += 1;
      return times === 1 ? unreachable() : json(accepted, 202);
    };
    const outcome = await done(world.client.start({ file_ids: [10_000] }));
    expect(outcome.ok && outcome.value.jobId).toBe(B);
    const keys = world.asked.map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]?.length).toBeGreaterThan(0);
    expect(world.asked[0]?.body).toEqual({ file_ids: [10_000] });
  });

  test("is given up after three", async () => {
    const outcome = await done(world.client.start({ file_ids: [10_000] }));
    expect(outcome).toMatchObject({ ok: false, problem: { code: "unreachable", status: null } });
    expect(world.asked).toHaveLength(3);
  });

  test("is not tried again when it was refused", async () => {
    const errors = [{ field: "file_ids[0]", message: "too small" }];
    world.answer = () => refusal(400, "invalid_request", {}, { errors });
    const outcome = await done(world.client.start({ file_ids: [1] }));
    expect(outcome).toMatchObject({ ok: false, problem: { code: "invalid_request", status: 400, fields: errors } });
    expect(world.asked).toHaveLength(1);
  });

  test("a full queue says when to come back, and where the job would have stood", async () => {
    world.answer = () =>
      refusal(503, "queue_full", { "Retry-After": "15", "X-Request-ID": "r-1" }, { queuePosition: 7 });
    const outcome = await done(world.client.start({ file_ids: [10_000] }));
    expect(outcome).toMatchObject({
      problem: { code: "queue_full", retryAfter: 15, queuePosition: 7, requestId: "r-1" },
    });
  });
});

describe("retrying", () => {
  const file = (index: number, state: string, name: string | null) => ({
    ...{ index, fileId: 10_000 + index, name, status: state, bytesDone: 0, size: 1, error: null },
  });

  test("failed files only is a new job of those that failed or were left out", async () => {
    const files = [file(0, "done", "a"), file(1, "failed", "b"), file(2, "omitted", null)] as never;
    const job = status(3, { status: "completed", onMissing: "skip", compression: "deflate", files });
    world.answer = ({ method }: Asked) => (method === "POST" ? json(accepted, 202) : json(job));
    const outcome = await done(world.client.retryFailed(A));
    expect(outcome.ok && outcome.value.jobId).toBe(B);
    expect(world.asked.at(-1)?.body).toEqual({
      files: [
        { file_id: 10_001, name: "b" },
        { file_id: 10_002, name: null },
      ],
      archiveName: "a.zip",
      onMissing: "skip",
      compression: "deflate",
    });
  });

  test("failed files only of a job where none failed is a problem", async () => {
    world.answer = () => json(status(3, { files: [file(0, "done", "a")] as never }));
    expect(await done(world.client.retryFailed(A))).toMatchObject({ problem: { code: "nothing_failed" } });
  });

  test("all of it asks the database, not a cache, how the job is now", async () => {
    world.answer = ({ method }: Asked) =>
      method === "POST" ? json(accepted, 202) : json(status(4, { status: "queued" }));
    await done(world.client.retry(A));
    expect(world.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /v1/download/job/${A}/retry`,
      `GET /v1/download/job/${A}`,
    ]);
    expect(world.asked[1]?.cache).toBe("no-store");
    expect(world.job?.status).toBe("queued");
  });
});

describe("problems", () => {
  test("no answer in 30 s", async () => {
    world.answer = () => new Promise(() => {});
    const asked = world.client.link(A);
    await world.clock.advance(29.9);
    expect(await Promise.race([asked, "waiting"])).toBe("waiting");
    await world.clock.advance(0.1);
    expect(await asked).toMatchObject({ problem: { code: "timeout" } });
  });

  test("an answer in time leaves nothing behind", async () => {
    world.answer = () => json({});
    expect((await world.client.link(A)).ok).toBe(true);
    expect(world.clock.waiting).toBe(0);
  });

  test("given up by the caller", async () => {
    world.answer = () => new Promise(() => {});
    const giveUp = new AbortController();
    const asked = world.client.preflight({ file_ids: [10_000] }, { signal: giveUp.signal });
    giveUp.abort();
    expect(await asked).toMatchObject({ problem: { code: "aborted" } });
  });

  test("no network", async () => {
    world.online = false;
    expect(await world.client.link(A)).toMatchObject({ problem: { code: "offline" } });
  });

  test.each([
    ["a proxy's page of an error", () => new Response("<h1>Bad Gateway</h1>", { status: 502 }), 502],
    ["a portal's page in place of an answer", () => new Response("<h1>Log in</h1>"), null],
    ["a proxy's own kind of error", () => json({ error: "no" }, 403), 403],
    ["half a problem", () => new Response("{", { status: 500, headers: PROBLEM }), 500],
  ])("%s", async (_, answer, code) => {
    world.answer = answer;
    expect(await world.client.link(A)).toMatchObject({ problem: { code: "unexpected_response", status: code } });
  });

  test("Retry-After may be a date", async () => {
    world.answer = () => refusal(503, "database_busy", { "Retry-After": "Sat, 21 Nov 2026 12:00:30 GMT" });
    expect(await world.client.link(A)).toMatchObject({ problem: { retryAfter: 30 } });
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

  test("a line of the list does not overwrite what following brought", async () => {
    await world.live();
    world.answer = () => json({ jobs: [{ ...line, status: "queued", percent: null }], nextCursor: null });
    await world.client.list();
    expect(world.job).toMatchObject({ status: "processing", percent: 1 });
  });

  test("a job that ended here and runs again elsewhere is looked at", async () => {
    world.answer = () => json(status(3, { status: "failed" }));
    await world.client.status(A);
    world.answer = ({ path }: Asked) =>
      path.endsWith("/jobs") ? json({ jobs: [{ ...line, status: "queued" }] }) : json(status(4, { status: "queued" }));
    await world.client.list();
    await world.clock.advance(0);
    expect(world.job?.status).toBe("queued");
  });

  test("what was given out before stays as it was", async () => {
    await world.live();
    const before = world.client.getState();
    world.socket.say(status(2));
    expect(before.jobs.get(A)?.percent).toBe(1);
    expect(world.client.getState().jobs.get(A)?.percent).toBe(2);
  });

  test("listeners hear at once, and then at most every 30 ms", async () => {
    await world.live();
    await world.clock.advance(1);
    let heard = 0;
    world.client.subscribe(() => {
      heard += 1;
    });
    for (let tick = 1; tick <= 20; tick += 1) world.socket.say(status(1, { tick }));
    expect(heard).toBe(1);
    await world.clock.advance(0.03);
    expect(heard).toBe(2);
    expect(world.job?.detail?.tick).toBe(20);
  });

  test("a file that did not change stays the same object", async () => {
    const file = (index: number, bytesDone: number) =>
      ({ index, fileId: 10_000 + index, name: "a", status: "active", bytesDone, size: 9, error: null }) as const;
    await world.live();
    world.socket.say(status(2, { files: [file(0, 1), file(1, 1)] }));
    const [first, second] = world.job?.detail?.files ?? [];
    world.socket.say(status(3, { files: [file(0, 1), file(1, 2)] }));
    expect(world.job?.detail?.files[0]).toBe(first);
    expect(world.job?.detail?.files[1]).not.toBe(second);
  });
});
