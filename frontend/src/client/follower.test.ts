import { beforeEach, describe, expect, test } from "vitest";
import { A, B, FakeEnvironment, json, problemResponse, progress, status } from "../testing/environment.ts";

let env: FakeEnvironment;
beforeEach(() => {
  env = new FakeEnvironment();
});

/** A server that answers polls with a job that is always at the same place. */
const still = (seq: number) => () => json(status(seq));

describe("WebSocket", () => {
  test("is tried first, in the subprotocol, and is live with the first message", async () => {
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

  test("carries jobs that are wanted in one go from one question", async () => {
    for (const job of [A, B, A]) env.client.follow(job);
    expect(env.clock.waiting).toBe(1);
    await env.clock.advance(0);
    env.socket.open();
    expect(env.socket.sent.map(({ jobs }) => jobs.length)).toEqual([2]);
  });

  test("carries many jobs, which come and go", async () => {
    const leave = await env.followLive();
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.sockets).toHaveLength(1);
    expect(env.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: B, since: 0 }] });
    leave();
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

  test("follows a job anew that ended and runs again while others went on", async () => {
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

  test("comes back with what it has, as soon as a restarting server said", async () => {
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

  test("asks anew where a message is missing, once", async () => {
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

  test("starts over when the server lost what came last", async () => {
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

  test("a job that the server does not know is refused, and the others go on", async () => {
    await env.followLive();
    env.client.follow(B);
    await env.clock.advance(0);
    env.socket.deliver({ type: "error", error: "job_not_found", message: "There is no such job.", jobId: B });
    await env.clock.advance(0);
    expect(env.client.getState().jobs.get(B)?.problem?.code).toBe("job_not_found");
    expect(env.connection).toBe("live");
  });

  test("a job that could not be read is asked for again", async () => {
    await env.followLive();
    env.socket.deliver({ type: "error", error: "database_unavailable", message: "It is away.", jobId: A });
    await env.clock.advance(4);
    expect(env.socket.sent).toHaveLength(1);
    await env.clock.advance(2);
    expect(env.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: A, since: 1 }] });
  });

  test("a server without its database is there nevertheless", async () => {
    await env.followLive();
    for (let round = 0; round < 6; round += 1) {
      await env.clock.advance(4.9);
      env.socket.deliver({ type: "error", error: "database_unavailable", message: "It is away.", jobId: A });
    }
    expect(env.connection).toBe("live");
    expect(env.sockets).toHaveLength(1);
  });

  test("a job that could not be read, and is not wanted any more, is not asked for", async () => {
    const leave = await env.followLive();
    env.client.follow(B);
    await env.clock.advance(0);
    env.socket.deliver({ type: "error", error: "database_unavailable", message: "It is away.", jobId: A });
    leave();
    await env.clock.advance(9);
    const asked = env.socket.sent.filter(({ type }) => type === "follow").flatMap(({ jobs }) => jobs);
    expect(asked.filter(({ jobId }) => jobId === A)).toHaveLength(1);
  });

  test("a job that was dropped is gone", async () => {
    await env.followLive();
    env.socket.deliver(progress(2, { type: "gone", since: 0 }));
    await env.clock.advance(0);
    expect(env.job?.problem?.code).toBe("gone");
    expect(env.connection).toBe("idle");
  });

  test("what is no id is never sent", async () => {
    env.client.follow("../../nonsense");
    await env.clock.advance(0);
    expect(env.sockets).toHaveLength(0);
    expect(env.client.getState().jobs.get("../../nonsense")?.problem?.code).toBe("invalid_request");
  });

  test("messages of types that only a later server knows are no harm", async () => {
    await env.followLive();
    env.socket.deliver({ type: "confetti", jobId: A });
    env.socket.onmessage?.({ data: "what?" });
    expect(env.connection).toBe("live");
    expect(env.job?.percent).toBe(1);
  });

  test("has room for 100 jobs; the rest is polled", async () => {
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
  test("two failures in a row lead to SSE", async () => {
    await env.blockWebSockets();
    expect(env.sockets).toHaveLength(2);
    expect(env.stream.url).toBe(`http://server/v1/download/stream?jobs=${A}:0`);
    env.stream.deliver(status(1));
    expect(env.connection).toBe("sse");
  });

  test("a failure after a success counts from one", async () => {
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

  test.each([4400, 4403, 4406, 4421, 1009])("code %i leads to SSE at once, and never back", async (code) => {
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
  });

  test("a server with too many connections is not waited for, and not asked before its time", async () => {
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

  test("two broken streams lead to polling every 2 s", async () => {
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

  test("a stream that is answered with something else leads to polling at once", async () => {
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

  test("a stream is opened anew for another job, with what is known of the others", async () => {
    await env.blockWebSockets();
    env.stream.deliver(status(7));
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.streams[0]?.closed).toBe(true);
    expect(env.stream.url).toBe(`http://server/v1/download/stream?jobs=${B}:0,${A}:7`);
  });

  test("a stream is opened anew for a job that ended and runs again, while others go on", async () => {
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

  test("a way that this browser does not have is passed over from then on", async () => {
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

  test("polling: 429 is not the job's fault, and waited for", async () => {
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

  test("polling: no job is asked for twice at a time, and a question nobody waits for is given up", async () => {
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

  test("polling: a job that is not there is refused, the others go on", async () => {
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
  test("a socket that opens and says nothing is left within 10 s", async () => {
    env.client.follow(A);
    await env.clock.advance(0);
    env.socket.open();
    await env.clock.advance(9.9);
    expect(env.streams).toHaveLength(0);
    await env.clock.advance(0.1);
    expect(env.socket.closed).toBe(true);
    expect(env.streams).toHaveLength(1);
  });

  test("a socket that does not even open is left within 10 s", async () => {
    env.client.follow(A);
    await env.clock.advance(10);
    expect(env.streams).toHaveLength(1);
  });

  test("a quiet socket is asked after 5 s, and stays when it answers", async () => {
    await env.followLive();
    for (let round = 1; round < 6; round += 1) {
      await env.clock.advance(5);
      expect(env.socket.sent).toHaveLength(1 + round);
      env.socket.deliver(status(1, { since: 1 }));
    }
    expect(env.connection).toBe("live");
    expect(env.sockets).toHaveLength(1);
  });

  test("a socket that stops answering midway is left within 10 s of its last word", async () => {
    await env.followLive();
    await env.clock.advance(3);
    env.socket.deliver(progress(2));
    await env.clock.advance(9.9);
    expect(env.streams).toHaveLength(0);
    await env.clock.advance(0.1);
    expect(env.streams).toHaveLength(1);
  });

  test("a stream that is held back from the start is left within 10 s", async () => {
    env.respond = still(3);
    await env.blockWebSockets();
    await env.clock.advance(9.9);
    expect(env.connection).toBe("connecting");
    await env.clock.advance(0.1);
    expect(env.stream.closed).toBe(true);
    expect(env.connection).toBe("polling");
  });

  test("a stream that is held back when there is nothing new is left, too", async () => {
    await env.followLive();
    env.respond = still(1);
    env.socket.disconnect(4400);
    await env.clock.advance(9.9);
    expect(env.connection).toBe("connecting");
    await env.clock.advance(0.1);
    expect(env.connection).toBe("polling");
  });

  test("a stream that is quiet because nothing happens stays", async () => {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.deliver(status(1));
    env.visible = false; // so that nothing better is tried meanwhile
    await env.clock.advance(60);
    expect(env.connection).toBe("sse");
    expect(env.streams).toHaveLength(1);
  });

  test("a stream that holds back what a question brings is left within 10 s, and the news are shown", async () => {
    env.respond = still(4);
    await env.blockWebSockets();
    env.stream.deliver(status(1));
    await env.clock.advance(5);
    expect(env.job?.percent).toBe(4);
    expect(env.connection).toBe("sse");
    await env.clock.advance(5);
    expect(env.connection).toBe("polling");
  });

  test("what a buffering proxy lets go of too late changes nothing", async () => {
    env.respond = still(9);
    await env.blockWebSockets();
    env.stream.deliver(status(1));
    await env.clock.advance(5);
    expect(env.job?.percent).toBe(9);
    env.stream.deliver(progress(2));
    env.stream.deliver(progress(3));
    expect(env.job?.percent).toBe(9);
  });

  test("a machine that slept does not take it for the server's silence", async () => {
    await env.followLive();
    await env.clock.sleep(3600);
    expect(env.socket.closed).toBe(false);
    expect(env.socket.sent).toHaveLength(2);
    env.socket.deliver(status(1, { since: 1 }));
    await env.clock.advance(4.9);
    expect(env.connection).toBe("live");
  });
});

describe("climbing back", () => {
  async function polling() {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
  }

  test("a better way is tried while the job runs, and taken when it has proven itself", async () => {
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

  test("from polling to SSE, where that is as good as it gets", async () => {
    await polling();
    await env.clock.advance(12);
    env.socket.disconnect();
    await env.clock.advance(0);
    expect(env.streams).toHaveLength(2);
    env.stream.deliver(status(2));
    expect(env.connection).toBe("sse");
  });

  test("a way that stays shut is tried more and more rarely, and polling goes on", async () => {
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
    const pauses = tries.map((at, i) => at - (tries[i - 1] ?? 0)).map((pause) => Math.round(pause / 11.25));
    expect(pauses).toEqual([1, 2, 4, 8, 8, 8]);
    expect(env.connection).toBe("polling");
    expect(env.requests.length).toBeGreaterThan(195);
  });

  test("a better way that is silent is given up, and the line goes on", async () => {
    await polling();
    await env.clock.advance(12);
    env.socket.open();
    await env.clock.advance(10);
    expect(env.sockets.at(-1)?.closed).toBe(true);
    expect(env.connection).toBe("polling");
  });

  test("a line that held for a minute is tried again soon when it broke, one that did not is not", async () => {
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
      await env.clock.advance(15);
      expect(env.sockets.length > before).toBe(soon);
    }
  });

  test("what was being tried is given up when the line goes one way further down", async () => {
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

  test("when there is something to follow again, the way that worked goes on, and a better one is tried soon", async () => {
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

  test("jobs that come meanwhile are followed by both", async () => {
    await polling();
    await env.clock.advance(12);
    env.socket.open();
    env.client.follow(B);
    await env.clock.advance(0);
    expect(env.socket.sent.at(-1)?.jobs).toEqual([{ jobId: B, since: 0 }]);
  });
});

describe("no network, no server, nobody looks", () => {
  test("a server that is away: offline, with a growing pause, and back by itself", async () => {
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

  test("503 with Retry-After is waited for", async () => {
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

  test("the network goes: offline at once; it comes back: tried at once", async () => {
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

  test("a server on this very device is reached without a network", async () => {
    await env.followLive();
    await env.setPresence({ online: false });
    expect(env.socket.sent).toHaveLength(2);
    env.socket.deliver(status(1, { since: 1 }));
    expect(env.connection).toBe("live");
  });

  test("polls are rarer while nobody looks, and come at once when somebody does", async () => {
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

  test("nothing better is tried while nobody looks", async () => {
    env.respond = still(1);
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.setPresence({ visible: false });
    await env.clock.advance(300);
    expect(env.sockets).toHaveLength(2);
    await env.setPresence({ visible: true });
    expect(env.sockets).toHaveLength(3);
  });

  test("when somebody comes back a silent socket is doubted at once", async () => {
    await env.followLive();
    await env.setPresence({ visible: false });
    await env.setPresence({ visible: true });
    expect(env.socket.sent).toHaveLength(2);
    await env.clock.advance(5);
    expect(env.streams).toHaveLength(1);
  });

  test("reconnect() tries at once", async () => {
    await env.blockWebSockets();
    env.stream.disconnect(2);
    await env.clock.advance(0);
    env.respond = still(1);
    env.client.reconnect();
    await env.clock.advance(0);
    expect(env.connection).toBe("polling");
  });

  test("who leaves twice leaves once, and another goes on", async () => {
    const leave = await env.followLive();
    env.client.follow(A);
    leave();
    leave();
    await env.clock.advance(0);
    expect(env.socket.closed).toBe(false);
  });

  test("when the last job is left nothing stays behind", async () => {
    const leave = await env.followLive();
    env.socket.disconnect();
    leave();
    leave();
    await env.clock.advance(0.1);
    expect(env.connection).toBe("idle");
    expect(env.clock.waiting).toBe(0);
  });
});
