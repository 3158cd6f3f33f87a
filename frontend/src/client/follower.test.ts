import { beforeEach, describe, expect, test } from "vitest";
import { A, B, FakeEnvironment, json, problemResponse, progress, status } from "../testing/environment.ts";

let env: FakeEnvironment;
beforeEach(() => {
  env = new FakeEnvironment();
});

/** Responds to polls with a job that never changes. */
const still = (seq: number) => () => json(status(seq));

describe("WebSocket", () => {
  test("is tried first, with the subprotocol, and is live with the first message", async () => {
    env.client.follow(A);
    await env.clock.advance(0);
    expect(env.connection).toBe("connecting");
    expect(env.socket.url).toBe("ws://server/v1/download/subscribe");
    expect(env.socket.protocol).toBe("haulage.v1");
    env.socket.open();
    expect(env.socket.sent).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 0 }] }]);
    env.socket.deliver(status(1));
    expect(env.connection).toBe("live");
    expect(env.job?.percent).toBe(1);
    expect(env.requests).toEqual([]);
  });

  test("batches follows of one task into one message", async () => {
    for (const job of [A, B, A]) env.client.follow(job);
    expect(env.clock.waiting).toBe(1);
    await env.clock.advance(0);
    env.socket.open();
    expect(env.socket.sent.map(({ jobs }) => jobs.length)).toEqual([2]);
  });

  test("adds and removes jobs on one connection", async () => {
    const unfollow = await env.followLive();
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.sockets).toHaveLength(1);
    expect(env.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: B, since: 0 }] });
    unfollow();
    await env.clock.advance(0);
    expect(env.socket.sent.at(-1)).toEqual({ type: "unfollow", jobs: [A] });
  });

  test("is closed when all jobs have ended, and opened again when one is retried", async () => {
    await env.followLive();
    env.socket.deliver(status(2, { type: "failed", status: "failed" }));
    await env.clock.advance(0);
    expect(env.socket.closed).toBe(true);
    expect(env.connection).toBe("idle");
    await env.clock.advance(0.1);
    expect(env.clock.waiting).toBe(0);
    env.respond = ({ method }) => (method === "POST" ? json({}, 202) : json(status(3, { status: "queued" })));
    await env.client.retry(A);
    await env.clock.advance(0);
    expect(env.sockets).toHaveLength(2);
  });

  test("follows a retried job again while others are running", async () => {
    await env.followLive();
    env.client.follow(B);
    await env.clock.advance(0);
    env.socket.deliver(status(2, { type: "failed", status: "failed" }));
    await env.clock.advance(0);
    env.respond = () => json(status(3, { status: "queued" }));
    await env.client.status(A);
    await env.clock.advance(0);
    expect(env.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: A, since: 3 }] });
  });

  test("reconnects from its seq after the delay of a restarting server", async () => {
    await env.followLive();
    env.socket.deliver(progress(2));
    env.random = 0.99;
    env.socket.disconnect(1012);
    expect(env.connection).toBe("connecting");
    expect(env.client.getState().retryAt).toBeGreaterThan(env.clock.now() + 4_900);
    await env.clock.advance(4.9);
    expect(env.sockets).toHaveLength(1);
    await env.clock.advance(0.1);
    env.socket.open();
    expect(env.socket.sent).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 2 }] }]);
  });

  test("refetches once after a gap", async () => {
    await env.followLive();
    env.socket.deliver(progress(5));
    env.socket.deliver(progress(6));
    expect(env.socket.sent.slice(1)).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 1 }] }]);
    expect(env.job?.percent).toBe(1);
    env.socket.deliver(status(6, { since: 1 }));
    expect(env.job?.percent).toBe(6);
    env.socket.deliver(progress(7));
    expect(env.job?.percent).toBe(7);
  });

  test("resets a job when the server has lost its last events", async () => {
    const file = { index: 0, fileId: 10_000, name: "a", status: "done", bytesDone: 1, size: 1, error: null } as const;
    await env.followLive();
    env.socket.deliver(progress(9, { since: 1, files: [file, { ...file, index: 1 }] }));
    env.socket.disconnect(1012);
    await env.clock.advance(5);
    env.socket.open();
    env.socket.deliver(status(4, { since: 0, files: [file] }));
    expect(env.job?.percent).toBe(4);
    expect(env.job?.detail?.files).toEqual([file]);
  });

  test("an unknown job is rejected, and others continue", async () => {
    await env.followLive();
    env.client.follow(B);
    await env.clock.advance(0);
    env.socket.deliver({ type: "error", error: "job_not_found", message: "There is no such job.", jobId: B });
    await env.clock.advance(0);
    expect(env.client.getState().jobs.get(B)?.problem?.code).toBe("job_not_found");
    expect(env.connection).toBe("live");
  });

  test("a job is requested again after a database error", async () => {
    await env.followLive();
    env.socket.deliver({
      type: "error",
      error: "database_unavailable",
      message: "The database is unavailable.",
      jobId: A,
    });
    await env.clock.advance(4);
    expect(env.socket.sent).toHaveLength(1);
    await env.clock.advance(2);
    expect(env.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: A, since: 1 }] });
  });

  test("errors of the database count as signs of life", async () => {
    await env.followLive();
    for (let round = 0; round < 6; round += 1) {
      await env.clock.advance(4.9);
      env.socket.deliver({
        type: "error",
        error: "database_unavailable",
        message: "The database is unavailable.",
        jobId: A,
      });
    }
    expect(env.connection).toBe("live");
    expect(env.sockets).toHaveLength(1);
  });

  test("an unfollowed job is not requested again after a database error", async () => {
    const unfollow = await env.followLive();
    env.client.follow(B);
    await env.clock.advance(0);
    env.socket.deliver({
      type: "error",
      error: "database_unavailable",
      message: "The database is unavailable.",
      jobId: A,
    });
    unfollow();
    await env.clock.advance(9);
    const asked = env.socket.sent.filter(({ type }) => type === "follow").flatMap(({ jobs }) => jobs);
    expect(asked.filter(({ jobId }) => jobId === A)).toHaveLength(1);
  });

  test("a deleted job is gone", async () => {
    await env.followLive();
    env.socket.deliver(progress(2, { type: "gone", since: 0 }));
    await env.clock.advance(0);
    expect(env.job?.problem?.code).toBe("gone");
    expect(env.connection).toBe("idle");
  });

  test("an invalid id is never sent", async () => {
    env.client.follow("../../nonsense");
    await env.clock.advance(0);
    expect(env.sockets).toHaveLength(0);
    expect(env.client.getState().jobs.get("../../nonsense")?.problem?.code).toBe("invalid_request");
  });

  test("unknown and malformed messages are ignored", async () => {
    await env.followLive();
    env.socket.deliver({ type: "confetti", jobId: A });
    env.socket.onmessage?.({ data: "what?" });
    expect(env.connection).toBe("live");
    expect(env.job?.percent).toBe(1);
  });

  test("follows up to 100 jobs; the rest are polled", async () => {
    const ids = Array.from({ length: 103 }, (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`);
    env.respond = ({ path }) => json(status(1, { jobId: path.split("/").at(-1) ?? "" }));
    for (const id of ids) env.client.follow(id);
    await env.clock.advance(0);
    env.socket.open();
    expect(env.socket.sent[0]?.jobs).toHaveLength(100);
    expect(env.requests.map(({ path }) => path.slice(-1))).toEqual(["2", "1", "0"]);
    env.respond = () => problemResponse(503, "database_unavailable");
    env.socket.deliver(status(1, { jobId: ids[50] ?? "" }));
    await env.clock.advance(2);
    expect(env.connection).toBe("live");
    const before = env.requests.length;
    await env.clock.advance(1.9);
    expect(env.requests).toHaveLength(before);
    await env.clock.advance(6);
    expect(env.requests.length).toBeGreaterThan(before);
  });
});

describe("falling back", () => {
  test("two consecutive failures fall back to SSE", async () => {
    await env.blockWebSockets();
    expect(env.sockets).toHaveLength(2);
    expect(env.stream.url).toBe(`http://server/v1/download/stream?jobs=${A}:0`);
    env.stream.deliver(status(1));
    expect(env.connection).toBe("sse");
  });

  test("a success resets the failure count", async () => {
    await env.followLive();
    env.socket.disconnect();
    await env.clock.advance(1);
    env.socket.open();
    env.socket.deliver(status(2));
    env.socket.disconnect();
    await env.clock.advance(1);
    expect(env.streams).toHaveLength(0);
    expect(env.sockets).toHaveLength(3);
  });

  test.each([4400, 4403, 4406, 4421, 1009])(
    "close code %i falls back to SSE immediately and permanently",
    async (code) => {
      await env.followLive();
      env.socket.disconnect(code);
      await env.clock.advance(0);
      env.stream.deliver(status(2));
      expect(env.connection).toBe("sse");
      for (let seq = 3; seq < 100; seq += 1) {
        await env.clock.advance(4);
        env.stream.deliver(progress(seq));
      }
      expect(env.sockets).toHaveLength(1);
      expect(env.connection).toBe("sse");
    },
  );

  test("a long delay falls back to SSE, and is respected before the next upgrade", async () => {
    env.random = 0;
    await env.followLive();
    env.socket.disconnect(4429);
    await env.clock.advance(0);
    env.stream.deliver(status(2));
    expect(env.connection).toBe("sse");
    for (let seq = 3; seq < 7; seq += 1) {
      await env.clock.advance(3.5);
      env.stream.deliver(progress(seq));
    }
    expect(env.sockets).toHaveLength(1);
    await env.clock.advance(1);
    expect(env.sockets).toHaveLength(2);
  });

  test("two broken streams fall back to polling every 2 s", async () => {
    await env.blockWebSockets();
    env.stream.disconnect();
    await env.clock.advance(1);
    env.respond = still(3);
    env.stream.disconnect();
    await env.clock.advance(0);
    expect(env.streams).toHaveLength(2);
    expect(env.connection).toBe("polling");
    expect(env.job?.percent).toBe(3);
    expect(env.requests).toHaveLength(1);
    await env.clock.advance(1.9);
    expect(env.requests).toHaveLength(1);
    await env.clock.advance(0.1);
    expect(env.requests).toHaveLength(2);
    expect(env.requests[1]?.query.get("since")).toBe("3");
  });

  test("a response that is not a stream falls back to polling immediately", async () => {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
  });

  test("a browser without WebSocket or EventSource polls", async () => {
    const missing = () => {
      throw new Error("not here");
    };
    env = new FakeEnvironment({ webSocket: missing, eventSource: missing });
    env.respond = still(1);
    env.client.follow(A);
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
  });

  test("a new job reopens the stream from the known seq of the others", async () => {
    await env.blockWebSockets();
    env.stream.deliver(status(7));
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.streams[0]?.closed).toBe(true);
    expect(env.stream.url).toBe(`http://server/v1/download/stream?jobs=${B}:0,${A}:7`);
  });

  test("a retried job reopens the stream while others are running", async () => {
    await env.blockWebSockets();
    env.client.follow(B);
    await env.clock.advance(0);
    env.stream.deliver(status(2, { type: "failed", status: "failed" }));
    await env.clock.advance(0);
    expect(env.streams).toHaveLength(2);
    env.respond = () => json(status(3, { status: "queued" }));
    await env.client.status(A);
    await env.clock.advance(0);
    expect(env.stream.url).toBe(`http://server/v1/download/stream?jobs=${B}:0,${A}:3`);
  });

  test("an unsupported transport is skipped from then on", async () => {
    let tries = 0;
    const stream = () => {
      tries += 1;
      throw new Error("not here");
    };
    env = new FakeEnvironment({ eventSource: stream });
    env.respond = still(1);
    await env.blockWebSockets();
    await env.clock.advance(12);
    env.socket.open();
    env.socket.deliver(status(2));
    env.socket.disconnect(4429);
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
    expect(tries).toBe(1);
  });

  test("polling: 429 does not reject the job, and Retry-After is respected", async () => {
    await env.blockWebSockets();
    env.respond = () => problemResponse(429, "too_many_followers", { "Retry-After": "4" });
    env.stream.disconnect(2);
    await env.clock.advance(3.9);
    expect(env.job?.problem ?? null).toBeNull();
    expect(env.requests).toHaveLength(1);
    env.respond = still(1);
    await env.clock.advance(3);
    expect(env.connection).toBe("polling");
  });

  test("polling: requests do not overlap, and are aborted after an upgrade", async () => {
    env.respond = () => new Promise(() => {});
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.setPresence({ visible: true });
    expect(env.requests).toHaveLength(1);
    expect(env.requests[0]?.signal?.aborted).toBe(false);
    env.socket.open();
    env.socket.deliver(status(2));
    expect(env.requests[0]?.signal?.aborted).toBe(true);
    await env.clock.advance(3);
    expect(env.requests).toHaveLength(1);
    env.socket.deliver(status(3, { type: "failed", status: "failed" }));
    await env.clock.advance(0.1);
    expect(env.clock.waiting).toBe(0);
  });

  test("polling: an unknown job is rejected, and others continue", async () => {
    env.respond = ({ path }) => (path.endsWith(B) ? problemResponse(404, "job_not_found") : json(status(1)));
    await env.blockWebSockets();
    env.stream.disconnect(2);
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.client.getState().jobs.get(B)?.problem?.code).toBe("job_not_found");
    expect(env.connection).toBe("polling");
  });
});

describe("the watchdog", () => {
  test("a socket that opens but stays silent is closed within 10 s", async () => {
    env.client.follow(A);
    await env.clock.advance(0);
    env.socket.open();
    await env.clock.advance(9.9);
    expect(env.streams).toHaveLength(0);
    await env.clock.advance(0.1);
    expect(env.socket.closed).toBe(true);
    expect(env.streams).toHaveLength(1);
  });

  test("a socket that does not open is closed within 10 s", async () => {
    env.client.follow(A);
    await env.clock.advance(10);
    expect(env.streams).toHaveLength(1);
  });

  test("a silent socket is probed after 5 s, and kept if it responds", async () => {
    await env.followLive();
    for (let round = 1; round < 6; round += 1) {
      await env.clock.advance(5);
      expect(env.socket.sent).toHaveLength(1 + round);
      env.socket.deliver(status(1, { since: 1 }));
    }
    expect(env.connection).toBe("live");
    expect(env.sockets).toHaveLength(1);
  });

  test("a socket that stops responding is closed 10 s after its last message", async () => {
    await env.followLive();
    await env.clock.advance(3);
    env.socket.deliver(progress(2));
    await env.clock.advance(9.9);
    expect(env.streams).toHaveLength(0);
    await env.clock.advance(0.1);
    expect(env.streams).toHaveLength(1);
  });

  test("a stream that is buffered from the start is closed within 10 s", async () => {
    env.respond = still(3);
    await env.blockWebSockets();
    await env.clock.advance(9.9);
    expect(env.connection).toBe("connecting");
    await env.clock.advance(0.1);
    expect(env.stream.closed).toBe(true);
    expect(env.connection).toBe("polling");
  });

  test("a buffered stream is closed even if nothing has changed", async () => {
    await env.followLive();
    env.respond = still(1);
    env.socket.disconnect(4400);
    await env.clock.advance(9.9);
    expect(env.connection).toBe("connecting");
    await env.clock.advance(0.1);
    expect(env.connection).toBe("polling");
  });

  test("a stream that is silent because nothing changes is kept", async () => {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.deliver(status(1));
    env.visible = false; // so that no upgrade is tried
    await env.clock.advance(60);
    expect(env.connection).toBe("sse");
    expect(env.streams).toHaveLength(1);
  });

  test("a stream without the changes that a poll finds is closed within 10 s, and the changes are shown", async () => {
    env.respond = still(4);
    await env.blockWebSockets();
    env.stream.deliver(status(1));
    await env.clock.advance(5);
    expect(env.job?.percent).toBe(4);
    expect(env.connection).toBe("sse");
    await env.clock.advance(5);
    expect(env.connection).toBe("polling");
  });

  test("late events of a buffering proxy are ignored", async () => {
    env.respond = still(9);
    await env.blockWebSockets();
    env.stream.deliver(status(1));
    await env.clock.advance(5);
    expect(env.job?.percent).toBe(9);
    env.stream.deliver(progress(2));
    env.stream.deliver(progress(3));
    expect(env.job?.percent).toBe(9);
  });

  test("sleep of the machine does not count as silence of the server", async () => {
    await env.followLive();
    await env.clock.sleep(3600);
    expect(env.socket.closed).toBe(false);
    expect(env.socket.sent).toHaveLength(2);
    env.socket.deliver(status(1, { since: 1 }));
    await env.clock.advance(4.9);
    expect(env.connection).toBe("live");
  });
});

describe("upgrading", () => {
  async function polling() {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
  }

  test("a better transport is tried in parallel, and used once it works", async () => {
    await polling();
    await env.clock.advance(12);
    expect(env.sockets).toHaveLength(3);
    expect(env.connection).toBe("polling");
    env.socket.open();
    expect(env.connection).toBe("polling");
    env.socket.deliver(status(2));
    expect(env.connection).toBe("live");
    const polls = env.requests.length;
    await env.clock.advance(4);
    expect(env.requests).toHaveLength(polls);
  });

  test("upgrades from polling to SSE if WebSockets stay blocked", async () => {
    await polling();
    await env.clock.advance(12);
    env.socket.disconnect();
    await env.clock.advance(0);
    expect(env.streams).toHaveLength(2);
    env.stream.deliver(status(2));
    expect(env.connection).toBe("sse");
  });

  test("failed upgrades back off while polling continues", async () => {
    await polling();
    const tries: number[] = [];
    let seen = env.sockets.length;
    const start = env.clock.now();
    for (let second = 0; second < 400; second += 1) {
      await env.clock.advance(1);
      if (env.sockets.length > seen) {
        tries.push((env.clock.now() - start) / 1000);
        seen = env.sockets.length;
        env.socket.disconnect();
        await env.clock.advance(0);
        env.stream.disconnect(2);
      }
    }
    const pauses = tries.map((at, i) => at - (tries[i - 1] ?? 0)).map((pause) => Math.round(pause / 5.625));
    expect(pauses).toEqual([1, 2, 4, 8, 16, 16, 16]);
    expect(env.connection).toBe("polling");
    expect(env.requests.length).toBeGreaterThan(195);
  });

  test("a silent upgrade is abandoned, and the connection continues", async () => {
    await polling();
    await env.clock.advance(12);
    env.socket.open();
    await env.clock.advance(10);
    expect(env.sockets.at(-1)?.closed).toBe(true);
    expect(env.connection).toBe("polling");
  });

  test("a connection that was stable for a minute is upgraded soon after a loss, another is not", async () => {
    await polling();
    for (const [held, soon] of [
      [5, false],
      [100, true],
    ] as const) {
      env.client.reconnect();
      await env.clock.advance(0);
      env.socket.open();
      env.socket.deliver(status(1, { since: 1 }));
      expect(env.connection).toBe("live");
      for (let second = 0; second < held; second += 1) {
        await env.clock.advance(1);
        env.socket.deliver(status(1, { since: 1 }));
      }
      env.socket.disconnect(1011);
      await env.clock.advance(0);
      env.stream.disconnect(2);
      const before = env.sockets.length;
      await env.clock.advance(9);
      expect(env.sockets.length > before).toBe(soon);
    }
  });

  test("a pending upgrade is abandoned on a fallback", async () => {
    await env.blockWebSockets();
    env.stream.deliver(status(1));
    for (let seq = 2; seq < 6; seq += 1) {
      await env.clock.advance(3);
      env.stream.deliver(progress(seq));
    }
    expect(env.sockets).toHaveLength(3);
    env.respond = still(9);
    env.stream.disconnect(2);
    expect(env.socket.closed).toBe(true);
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
  });

  test("following again starts with the last transport, and upgrades soon", async () => {
    await polling();
    env.respond = () => json(status(2, { status: "failed", type: "failed" }));
    await env.clock.advance(2.1);
    expect(env.connection).toBe("idle");
    expect(env.clock.waiting).toBe(0);
    expect(env.presenceListeners).toBe(0);
    env.respond = ({ path }) => json(status(1, { jobId: path.split("/").at(-1) ?? "" }));
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
    const before = env.sockets.length;
    await env.clock.advance(1);
    expect(env.sockets.length).toBe(before + 1);
  });

  test("a job added during an upgrade is followed on both connections", async () => {
    await polling();
    await env.clock.advance(12);
    env.socket.open();
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.socket.sent.at(-1)?.jobs).toEqual([{ jobId: B, since: 0 }]);
  });
});

describe("offline, unreachable or hidden", () => {
  test("an unreachable server: offline with backoff, and automatic recovery", async () => {
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.clock.advance(0);
    expect(env.connection).toBe("offline");
    await env.clock.advance(120);
    expect(env.connection).toBe("offline");
    expect(env.requests.length).toBeLessThan(25);
    expect(env.sockets).toHaveLength(2);
    env.respond = still(1);
    for (let second = 0; second < 20 && env.connection === "offline"; second += 1) await env.clock.advance(1);
    expect(env.connection).toBe("polling");
    await env.clock.advance(1);
    env.socket.open();
    env.socket.deliver(status(2));
    expect(env.connection).toBe("live");
  });

  test("a server that hangs is offline after 14 s of silence, not once every transport has failed", async () => {
    env.respond = () => new Promise<never>(() => undefined);
    await env.followLive();
    const heard = env.clock.now();
    expect(env.client.receivedAt).toBe(heard);
    await env.clock.advance(13);
    expect(env.connection).toBe("connecting");
    expect(env.client.receivedAt).toBe(heard);
    await env.clock.advance(1.1);
    expect(env.connection).toBe("offline");
    env.stream.deliver(status(2));
    expect(env.connection).toBe("sse");
    expect(env.client.receivedAt).toBe(env.clock.now());
  });

  test("a quiet server that responds to probes is never offline", async () => {
    const unfollow = await env.followLive();
    for (let round = 0; round < 6; round += 1) {
      await env.clock.advance(5);
      env.socket.deliver(status(1, { since: 1 }));
      expect(env.connection).toBe("live");
    }
    unfollow();
    await env.clock.advance(20);
    expect(env.connection).toBe("idle");
    await env.followLive();
    expect(env.client.receivedAt).toBe(env.clock.now());
  });

  test("Retry-After of a 503 is respected", async () => {
    await env.blockWebSockets();
    env.respond = () => problemResponse(503, "database_unavailable", { "Retry-After": "8" });
    env.stream.disconnect(2);
    await env.clock.advance(0);
    expect(env.requests).toHaveLength(1);
    expect(env.connection).toBe("connecting");
    await env.clock.advance(8);
    expect(env.requests).toHaveLength(1);
    await env.clock.advance(4.5);
    expect(env.requests).toHaveLength(2);
  });

  test("loss of the network shows at once, and its return reconnects at once", async () => {
    await env.followLive();
    await env.setPresence({ online: false });
    expect(env.connection).toBe("offline");
    env.socket.disconnect();
    await env.clock.advance(14);
    expect(env.sockets).toHaveLength(1);
    await env.setPresence({ online: true });
    expect(env.sockets).toHaveLength(2);
    env.socket.open();
    env.socket.deliver(status(2));
    expect(env.connection).toBe("live");
  });

  test("a server on the same device is reachable without a network", async () => {
    await env.followLive();
    await env.setPresence({ online: false });
    expect(env.socket.sent).toHaveLength(2);
    env.socket.deliver(status(1, { since: 1 }));
    expect(env.connection).toBe("live");
  });

  test("a hidden page polls less often, and polls at once when it is shown", async () => {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.setPresence({ visible: false });
    await env.clock.advance(2);
    const before = env.requests.length;
    await env.clock.advance(20);
    expect(env.requests.length - before).toBe(2);
    await env.clock.advance(5);
    await env.setPresence({ visible: true });
    expect(env.requests.length - before).toBe(3);
  });

  test("a hidden page tries no upgrades", async () => {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.setPresence({ visible: false });
    await env.clock.advance(300);
    expect(env.sockets).toHaveLength(2);
    await env.setPresence({ visible: true });
    expect(env.sockets).toHaveLength(3);
  });

  test("a silent socket is probed when the page is shown again", async () => {
    await env.followLive();
    await env.setPresence({ visible: false });
    await env.setPresence({ visible: true });
    expect(env.socket.sent).toHaveLength(2);
    await env.clock.advance(5);
    expect(env.streams).toHaveLength(1);
  });

  test("reconnect() retries immediately", async () => {
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.clock.advance(0);
    env.respond = still(1);
    env.client.reconnect();
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
  });

  test("unfollowing twice counts once, and another follower continues", async () => {
    const unfollow = await env.followLive();
    env.client.follow(A);
    unfollow();
    unfollow();
    await env.clock.advance(0);
    expect(env.socket.closed).toBe(false);
  });

  test("unfollowing the last job clears all timers", async () => {
    const unfollow = await env.followLive();
    env.socket.disconnect();
    unfollow();
    unfollow();
    await env.clock.advance(0.1);
    expect(env.connection).toBe("idle");
    expect(env.clock.waiting).toBe(0);
  });
});
