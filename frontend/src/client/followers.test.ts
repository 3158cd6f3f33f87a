import { beforeEach, describe, expect, test } from "vitest";
import { A, B, json, progress, refusal, status, World } from "../testing/worlds.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

/** A server that answers polls with a job that is always at the same place. */
const still = (seq: number) => () => json(status(seq));

describe("WebSocket", () => {
  test("is tried first, in the subprotocol, and is live with the first message", async () => {
    world.client.follow(A);
    await world.clock.advance(0);
    expect(world.connection).toBe("connecting");
    expect(world.socket.url).toBe("ws://server/v1/download/subscribe");
    expect(world.socket.protocol).toBe("haulage.v1");
    world.socket.open();
    expect(world.socket.sent).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 0 }] }]);
    world.socket.say(status(1));
    expect(world.connection).toBe("live");
    expect(world.job?.percent).toBe(1);
    expect(world.asked).toEqual([]);
  });

  test("carries jobs that are wanted in one go from one question", async () => {
    for (const job of [A, B, A]) world.client.follow(job);
    expect(world.clock.waiting).toBe(1);
    await world.clock.advance(0);
    world.socket.open();
    expect(world.socket.sent.map(({ jobs }) => jobs.length)).toEqual([2]);
  });

  test("carries many jobs, which come and go", async () => {
    const leave = await world.live();
    world.client.follow(B);
    await world.clock.advance(0);
    expect(world.sockets).toHaveLength(1);
    expect(world.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: B, since: 0 }] });
    leave();
    await world.clock.advance(0);
    expect(world.socket.sent.at(-1)).toEqual({ type: "unfollow", jobs: [A] });
  });

  test("is closed when all jobs have ended, and opened again when one is retried", async () => {
    await world.live();
    world.socket.say(status(2, { type: "failed", status: "failed" }));
    await world.clock.advance(0);
    expect(world.socket.closed).toBe(true);
    expect(world.connection).toBe("idle");
    await world.clock.advance(0.1);
    expect(world.clock.waiting).toBe(0);
    world.answer = ({ method }) => (method === "POST" ? json({}, 202) : json(status(3, { status: "queued" })));
    await world.client.retry(A);
    await world.clock.advance(0);
    expect(world.sockets).toHaveLength(2);
  });

  test("follows a job anew that ended and runs again while others went on", async () => {
    await world.live();
    world.client.follow(B);
    await world.clock.advance(0);
    world.socket.say(status(2, { type: "failed", status: "failed" }));
    await world.clock.advance(0);
    world.answer = () => json(status(3, { status: "queued" }));
    await world.client.status(A);
    await world.clock.advance(0);
    expect(world.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: A, since: 3 }] });
  });

  test("comes back with what it has, as soon as a restarting server said", async () => {
    await world.live();
    world.socket.say(progress(2));
    world.random = 0.99;
    world.socket.end(1012);
    expect(world.connection).toBe("connecting");
    expect(world.client.getState().retryAt).toBeGreaterThan(world.clock.now() + 4_900);
    await world.clock.advance(4.9);
    expect(world.sockets).toHaveLength(1);
    await world.clock.advance(0.1);
    world.socket.open();
    expect(world.socket.sent).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 2 }] }]);
  });

  test("asks anew where a message is missing, once", async () => {
    await world.live();
    world.socket.say(progress(5));
    world.socket.say(progress(6));
    expect(world.socket.sent.slice(1)).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 1 }] }]);
    expect(world.job?.percent).toBe(1);
    world.socket.say(status(6, { since: 1 }));
    expect(world.job?.percent).toBe(6);
    world.socket.say(progress(7));
    expect(world.job?.percent).toBe(7);
  });

  test("starts over when the server lost what came last", async () => {
    const file = { index: 0, fileId: 10_000, name: "a", status: "done", bytesDone: 1, size: 1, error: null } as const;
    await world.live();
    world.socket.say(progress(9, { since: 1, files: [file, { ...file, index: 1 }] }));
    world.socket.end(1012);
    await world.clock.advance(5);
    world.socket.open();
    world.socket.say(status(4, { since: 0, files: [file] }));
    expect(world.job?.percent).toBe(4);
    expect(world.job?.detail?.files).toEqual([file]);
  });

  test("a job that the server does not know is refused, and the others go on", async () => {
    await world.live();
    world.client.follow(B);
    await world.clock.advance(0);
    world.socket.say({ type: "error", error: "job_not_found", message: "There is no such job.", jobId: B });
    await world.clock.advance(0);
    expect(world.client.getState().jobs.get(B)?.problem?.code).toBe("job_not_found");
    expect(world.connection).toBe("live");
  });

  test("a job that could not be read is asked for again", async () => {
    await world.live();
    world.socket.say({ type: "error", error: "database_unavailable", message: "It is away.", jobId: A });
    await world.clock.advance(4);
    expect(world.socket.sent).toHaveLength(1);
    await world.clock.advance(2);
    expect(world.socket.sent.at(-1)).toEqual({ type: "follow", jobs: [{ jobId: A, since: 1 }] });
  });

  test("a server without its database is there nevertheless", async () => {
    await world.live();
    for (let round = 0; round < 6; round += 1) {
      await world.clock.advance(4.9);
      world.socket.say({ type: "error", error: "database_unavailable", message: "It is away.", jobId: A });
    }
    expect(world.connection).toBe("live");
    expect(world.sockets).toHaveLength(1);
  });

  test("a job that could not be read, and is not wanted any more, is not asked for", async () => {
    const leave = await world.live();
    world.client.follow(B);
    await world.clock.advance(0);
    world.socket.say({ type: "error", error: "database_unavailable", message: "It is away.", jobId: A });
    leave();
    await world.clock.advance(9);
    const asked = world.socket.sent.filter(({ type }) => type === "follow").flatMap(({ jobs }) => jobs);
    expect(asked.filter(({ jobId }) => jobId === A)).toHaveLength(1);
  });

  test("a job that was dropped is gone", async () => {
    await world.live();
    world.socket.say(progress(2, { type: "gone", since: 0 }));
    await world.clock.advance(0);
    expect(world.job?.problem?.code).toBe("gone");
    expect(world.connection).toBe("idle");
  });

  test("what is no id is never sent", async () => {
    world.client.follow("../../nonsense");
    await world.clock.advance(0);
    expect(world.sockets).toHaveLength(0);
    expect(world.client.getState().jobs.get("../../nonsense")?.problem?.code).toBe("invalid_request");
  });

  test("messages of types that only a later server knows are no harm", async () => {
    await world.live();
    world.socket.say({ type: "confetti", jobId: A });
    world.socket.onmessage?.({ data: "what?" });
    expect(world.connection).toBe("live");
    expect(world.job?.percent).toBe(1);
  });

  test("has room for 100 jobs; the rest is polled", async () => {
    const ids = Array.from({ length: 103 }, (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`);
    world.answer = ({ path }) => json(status(1, { jobId: path.split("/").at(-1) ?? "" }));
    for (const id of ids) world.client.follow(id);
    await world.clock.advance(0);
    world.socket.open();
    expect(world.socket.sent[0]?.jobs).toHaveLength(100);
    expect(world.asked.map(({ path }) => path.slice(-1))).toEqual(["2", "1", "0"]);
    world.answer = () => refusal(503, "database_unavailable");
    world.socket.say(status(1, { jobId: ids[50] ?? "" }));
    await world.clock.advance(2);
    expect(world.connection).toBe("live");
    const before = world.asked.length;
    await world.clock.advance(1.9);
    expect(world.asked).toHaveLength(before);
    await world.clock.advance(6);
    expect(world.asked.length).toBeGreaterThan(before);
  });
});

describe("falling back", () => {
  test("two failures in a row lead to SSE", async () => {
    await world.blocked();
    expect(world.sockets).toHaveLength(2);
    expect(world.stream.url).toBe(`http://server/v1/download/stream?jobs=${A}:0`);
    world.stream.say(status(1));
    expect(world.connection).toBe("sse");
  });

  test("a failure after a success counts from one", async () => {
    await world.live();
    world.socket.end();
    await world.clock.advance(1);
    world.socket.open();
    world.socket.say(status(2));
    world.socket.end();
    await world.clock.advance(1);
    expect(world.streams).toHaveLength(0);
    expect(world.sockets).toHaveLength(3);
  });

  test.each([4400, 4403, 4406, 4421, 1009])("code %i leads to SSE at once, and never back", async (code) => {
    await world.live();
    world.socket.end(code);
    await world.clock.advance(0);
    world.stream.say(status(2));
    expect(world.connection).toBe("sse");
    for (let seq = 3; seq < 100; seq += 1) {
      await world.clock.advance(4);
      world.stream.say(progress(seq));
    }
    expect(world.sockets).toHaveLength(1);
    expect(world.connection).toBe("sse");
  });

  test("a server with too many connections is not waited for, and not asked before its time", async () => {
    world.random = 0;
    await world.live();
    world.socket.end(4429);
    await world.clock.advance(0);
    world.stream.say(status(2));
    expect(world.connection).toBe("sse");
    for (let seq = 3; seq < 7; seq += 1) {
      await world.clock.advance(3.5);
      world.stream.say(progress(seq));
    }
    expect(world.sockets).toHaveLength(1);
    await world.clock.advance(1);
    expect(world.sockets).toHaveLength(2);
  });

  test("two broken streams lead to polling every 2 s", async () => {
    await world.blocked();
    world.stream.end();
    await world.clock.advance(1);
    world.answer = still(3);
    world.stream.end();
    await world.clock.advance(0);
    expect(world.streams).toHaveLength(2);
    expect(world.connection).toBe("polling");
    expect(world.job?.percent).toBe(3);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(1.9);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(0.1);
    expect(world.asked).toHaveLength(2);
    expect(world.asked[1]?.query.get("since")).toBe("3");
  });

  test("a stream that is answered with something else leads to polling at once", async () => {
    world.answer = still(1);
    await world.blocked();
    world.stream.end(2);
    await world.clock.advance(0);
    expect(world.connection).toBe("polling");
  });

  test("a browser without WebSocket or EventSource polls", async () => {
    const missing = () => {
      throw new Error("not here");
    };
    world = new World({ socket: missing, stream: missing });
    world.answer = still(1);
    world.client.follow(A);
    await world.clock.advance(0);
    expect(world.connection).toBe("polling");
  });

  test("a stream is opened anew for another job, with what is known of the others", async () => {
    await world.blocked();
    world.stream.say(status(7));
    world.client.follow(B);
    await world.clock.advance(0);
    expect(world.streams[0]?.closed).toBe(true);
    expect(world.stream.url).toBe(`http://server/v1/download/stream?jobs=${B}:0,${A}:7`);
  });

  test("a stream is opened anew for a job that ended and runs again, while others go on", async () => {
    await world.blocked();
    world.client.follow(B);
    await world.clock.advance(0);
    world.stream.say(status(2, { type: "failed", status: "failed" }));
    await world.clock.advance(0);
    expect(world.streams).toHaveLength(2);
    world.answer = () => json(status(3, { status: "queued" }));
    await world.client.status(A);
    await world.clock.advance(0);
    expect(world.stream.url).toBe(`http://server/v1/download/stream?jobs=${B}:0,${A}:3`);
  });

  test("a way that this browser does not have is passed over from then on", async () => {
    let tries = 0;
    const stream = () => {
      tries += 1;
      throw new Error("not here");
    };
    world = new World({ stream });
    world.answer = still(1);
    await world.blocked();
    await world.clock.advance(12);
    world.socket.open();
    world.socket.say(status(2));
    world.socket.end(4429);
    await world.clock.advance(0);
    expect(world.connection).toBe("polling");
    expect(tries).toBe(1);
  });

  test("polling: 429 is not the job's fault, and waited for", async () => {
    await world.blocked();
    world.answer = () => refusal(429, "too_many_followers", { "Retry-After": "4" });
    world.stream.end(2);
    await world.clock.advance(3.9);
    expect(world.job?.problem ?? null).toBeNull();
    expect(world.asked).toHaveLength(1);
    world.answer = still(1);
    await world.clock.advance(3);
    expect(world.connection).toBe("polling");
  });

  test("polling: no job is asked for twice at a time, and a question nobody waits for is given up", async () => {
    world.answer = () => new Promise(() => {});
    await world.blocked();
    world.stream.end(2);
    await world.sense({ visible: true });
    expect(world.asked).toHaveLength(1);
    expect(world.asked[0]?.signal?.aborted).toBe(false);
    world.socket.open();
    world.socket.say(status(2));
    expect(world.asked[0]?.signal?.aborted).toBe(true);
    await world.clock.advance(3);
    expect(world.asked).toHaveLength(1);
    world.socket.say(status(3, { type: "failed", status: "failed" }));
    await world.clock.advance(0.1);
    expect(world.clock.waiting).toBe(0);
  });

  test("polling: a job that is not there is refused, the others go on", async () => {
    world.answer = ({ path }) => (path.endsWith(B) ? refusal(404, "job_not_found") : json(status(1)));
    await world.blocked();
    world.stream.end(2);
    world.client.follow(B);
    await world.clock.advance(0);
    expect(world.client.getState().jobs.get(B)?.problem?.code).toBe("job_not_found");
    expect(world.connection).toBe("polling");
  });
});

describe("the watchdog", () => {
  test("a socket that opens and says nothing is left within 10 s", async () => {
    world.client.follow(A);
    await world.clock.advance(0);
    world.socket.open();
    await world.clock.advance(9.9);
    expect(world.streams).toHaveLength(0);
    await world.clock.advance(0.1);
    expect(world.socket.closed).toBe(true);
    expect(world.streams).toHaveLength(1);
  });

  test("a socket that does not even open is left within 10 s", async () => {
    world.client.follow(A);
    await world.clock.advance(10);
    expect(world.streams).toHaveLength(1);
  });

  test("a quiet socket is asked after 5 s, and stays when it answers", async () => {
    await world.live();
    for (let round = 1; round < 6; round += 1) {
      await world.clock.advance(5);
      expect(world.socket.sent).toHaveLength(1 + round);
      world.socket.say(status(1, { since: 1 }));
    }
    expect(world.connection).toBe("live");
    expect(world.sockets).toHaveLength(1);
  });

  test("a socket that stops answering midway is left within 10 s of its last word", async () => {
    await world.live();
    await world.clock.advance(3);
    world.socket.say(progress(2));
    await world.clock.advance(9.9);
    expect(world.streams).toHaveLength(0);
    await world.clock.advance(0.1);
    expect(world.streams).toHaveLength(1);
  });

  test("a stream that is held back from the start is left within 10 s", async () => {
    world.answer = still(3);
    await world.blocked();
    await world.clock.advance(9.9);
    expect(world.connection).toBe("connecting");
    await world.clock.advance(0.1);
    expect(world.stream.closed).toBe(true);
    expect(world.connection).toBe("polling");
  });

  test("a stream that is held back when there is nothing new is left, too", async () => {
    await world.live();
    world.answer = still(1);
    world.socket.end(4400);
    await world.clock.advance(9.9);
    expect(world.connection).toBe("connecting");
    await world.clock.advance(0.1);
    expect(world.connection).toBe("polling");
  });

  test("a stream that is quiet because nothing happens stays", async () => {
    world.answer = still(1);
    await world.blocked();
    world.stream.say(status(1));
    world.visible = false; // so that nothing better is tried meanwhile
    await world.clock.advance(60);
    expect(world.connection).toBe("sse");
    expect(world.streams).toHaveLength(1);
  });

  test("a stream that holds back what a question brings is left within 10 s, and the news are shown", async () => {
    world.answer = still(4);
    await world.blocked();
    world.stream.say(status(1));
    await world.clock.advance(5);
    expect(world.job?.percent).toBe(4);
    expect(world.connection).toBe("sse");
    await world.clock.advance(5);
    expect(world.connection).toBe("polling");
  });

  test("what a buffering proxy lets go of too late changes nothing", async () => {
    world.answer = still(9);
    await world.blocked();
    world.stream.say(status(1));
    await world.clock.advance(5);
    expect(world.job?.percent).toBe(9);
    world.stream.say(progress(2));
    world.stream.say(progress(3));
    expect(world.job?.percent).toBe(9);
  });

  test("a machine that slept does not take it for the server's silence", async () => {
    await world.live();
    await world.clock.sleep(3600);
    expect(world.socket.closed).toBe(false);
    expect(world.socket.sent).toHaveLength(2);
    world.socket.say(status(1, { since: 1 }));
    await world.clock.advance(4.9);
    expect(world.connection).toBe("live");
  });
});

describe("climbing back", () => {
  async function polling() {
    world.answer = still(1);
    await world.blocked();
    world.stream.end(2);
    await world.clock.advance(0);
    expect(world.connection).toBe("polling");
  }

  test("a better way is tried while the job runs, and taken when it has proven itself", async () => {
    await polling();
    await world.clock.advance(12);
    expect(world.sockets).toHaveLength(3);
    expect(world.connection).toBe("polling");
    world.socket.open();
    expect(world.connection).toBe("polling");
    world.socket.say(status(2));
    expect(world.connection).toBe("live");
    const polls = world.asked.length;
    await world.clock.advance(4);
    expect(world.asked).toHaveLength(polls);
  });

  test("from polling to SSE, where that is as good as it gets", async () => {
    await polling();
    await world.clock.advance(12);
    world.socket.end();
    await world.clock.advance(0);
    expect(world.streams).toHaveLength(2);
    world.stream.say(status(2));
    expect(world.connection).toBe("sse");
  });

  test("a way that stays shut is tried more and more rarely, and polling goes on", async () => {
    await polling();
    const tries: number[] = [];
    let seen = world.sockets.length;
    const start = world.clock.now();
    for (let second = 0; second < 400; second += 1) {
      await world.clock.advance(1);
      if (world.sockets.length > seen) {
        tries.push((world.clock.now() - start) / 1000);
        seen = world.sockets.length;
        world.socket.end();
        await world.clock.advance(0);
        world.stream.end(2);
      }
    }
    const pauses = tries.map((at, i) => at - (tries[i - 1] ?? 0)).map((pause) => Math.round(pause / 11.25));
    expect(pauses).toEqual([1, 2, 4, 8, 8, 8]);
    expect(world.connection).toBe("polling");
    expect(world.asked.length).toBeGreaterThan(195);
  });

  test("a better way that is silent is given up, and the line goes on", async () => {
    await polling();
    await world.clock.advance(12);
    world.socket.open();
    await world.clock.advance(10);
    expect(world.sockets.at(-1)?.closed).toBe(true);
    expect(world.connection).toBe("polling");
  });

  test("a line that held for a minute is tried again soon when it broke, one that did not is not", async () => {
    await polling();
    for (const [held, soon] of [
      [5, false],
      [100, true],
    ] as const) {
      world.client.reconnect();
      await world.clock.advance(0);
      world.socket.open();
      world.socket.say(status(1, { since: 1 }));
      expect(world.connection).toBe("live");
      for (let second = 0; second < held; second += 1) {
        await world.clock.advance(1);
        world.socket.say(status(1, { since: 1 }));
      }
      world.socket.end(1011);
      await world.clock.advance(0);
      world.stream.end(2);
      const before = world.sockets.length;
      await world.clock.advance(15);
      expect(world.sockets.length > before).toBe(soon);
    }
  });

  test("what was being tried is given up when the line goes one way further down", async () => {
    await world.blocked();
    world.stream.say(status(1));
    for (let seq = 2; seq < 6; seq += 1) {
      await world.clock.advance(3);
      world.stream.say(progress(seq));
    }
    expect(world.sockets).toHaveLength(3);
    world.answer = still(9);
    world.stream.end(2);
    expect(world.socket.closed).toBe(true);
    await world.clock.advance(0);
    expect(world.connection).toBe("polling");
  });

  test("when there is something to follow again, the way that worked goes on, and a better one is tried soon", async () => {
    await polling();
    world.answer = () => json(status(2, { status: "failed", type: "failed" }));
    await world.clock.advance(2.1);
    expect(world.connection).toBe("idle");
    expect(world.clock.waiting).toBe(0);
    expect(world.sensing).toBe(0);
    world.answer = ({ path }) => json(status(1, { jobId: path.split("/").at(-1) ?? "" }));
    world.client.follow(B);
    await world.clock.advance(0);
    expect(world.connection).toBe("polling");
    const before = world.sockets.length;
    await world.clock.advance(1);
    expect(world.sockets.length).toBe(before + 1);
  });

  test("jobs that come meanwhile are followed by both", async () => {
    await polling();
    await world.clock.advance(12);
    world.socket.open();
    world.client.follow(B);
    await world.clock.advance(0);
    expect(world.socket.sent.at(-1)?.jobs).toEqual([{ jobId: B, since: 0 }]);
  });
});

describe("no network, no server, nobody looks", () => {
  test("a server that is away: offline, with a growing pause, and back by itself", async () => {
    await world.blocked();
    world.stream.end(2);
    await world.clock.advance(0);
    expect(world.connection).toBe("offline");
    await world.clock.advance(120);
    expect(world.connection).toBe("offline");
    expect(world.asked.length).toBeLessThan(25);
    expect(world.sockets).toHaveLength(2);
    world.answer = still(1);
    for (let second = 0; second < 20 && world.connection === "offline"; second += 1) await world.clock.advance(1);
    expect(world.connection).toBe("polling");
    await world.clock.advance(1);
    world.socket.open();
    world.socket.say(status(2));
    expect(world.connection).toBe("live");
  });

  test("503 with Retry-After is waited for", async () => {
    await world.blocked();
    world.answer = () => refusal(503, "database_unavailable", { "Retry-After": "8" });
    world.stream.end(2);
    await world.clock.advance(0);
    expect(world.asked).toHaveLength(1);
    expect(world.connection).toBe("connecting");
    await world.clock.advance(8);
    expect(world.asked).toHaveLength(1);
    await world.clock.advance(4.5);
    expect(world.asked).toHaveLength(2);
  });

  test("the network goes: offline at once; it comes back: tried at once", async () => {
    await world.live();
    await world.sense({ online: false });
    expect(world.connection).toBe("offline");
    world.socket.end();
    await world.clock.advance(14);
    expect(world.sockets).toHaveLength(1);
    await world.sense({ online: true });
    expect(world.sockets).toHaveLength(2);
    world.socket.open();
    world.socket.say(status(2));
    expect(world.connection).toBe("live");
  });

  test("a server on this very device is reached without a network", async () => {
    await world.live();
    await world.sense({ online: false });
    expect(world.socket.sent).toHaveLength(2);
    world.socket.say(status(1, { since: 1 }));
    expect(world.connection).toBe("live");
  });

  test("polls are rarer while nobody looks, and come at once when somebody does", async () => {
    world.answer = still(1);
    await world.blocked();
    world.stream.end(2);
    await world.sense({ visible: false });
    await world.clock.advance(2);
    const before = world.asked.length;
    await world.clock.advance(20);
    expect(world.asked.length - before).toBe(2);
    await world.clock.advance(5);
    await world.sense({ visible: true });
    expect(world.asked.length - before).toBe(3);
  });

  test("nothing better is tried while nobody looks", async () => {
    world.answer = still(1);
    await world.blocked();
    world.stream.end(2);
    await world.sense({ visible: false });
    await world.clock.advance(300);
    expect(world.sockets).toHaveLength(2);
    await world.sense({ visible: true });
    expect(world.sockets).toHaveLength(3);
  });

  test("when somebody comes back a silent socket is doubted at once", async () => {
    await world.live();
    await world.sense({ visible: false });
    await world.sense({ visible: true });
    expect(world.socket.sent).toHaveLength(2);
    await world.clock.advance(5);
    expect(world.streams).toHaveLength(1);
  });

  test("reconnect() tries at once", async () => {
    await world.blocked();
    world.stream.end(2);
    await world.clock.advance(0);
    world.answer = still(1);
    world.client.reconnect();
    await world.clock.advance(0);
    expect(world.connection).toBe("polling");
  });

  test("who leaves twice leaves once, and another goes on", async () => {
    const leave = await world.live();
    world.client.follow(A);
    leave();
    leave();
    await world.clock.advance(0);
    expect(world.socket.closed).toBe(false);
  });

  test("when the last job is left nothing stays behind", async () => {
    const leave = await world.live();
    world.socket.end();
    leave();
    leave();
    await world.clock.advance(0.1);
    expect(world.connection).toBe("idle");
    expect(world.clock.waiting).toBe(0);
  });
});
