import { beforeEach, describe, expect, test } from "vitest";
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
import { AccessClient, type TokenSource } from "./index.ts";

let env: FakeEnvironment;
/** The tokens that the server accepts. */
let valid: Set<string>;
let tickets: number;
let calls: number;
let signedOut: number;

beforeEach(() => {
  env = new FakeEnvironment();
  valid = new Set(["first", "second", "third"]);
  tickets = calls = signedOut = 0;
  env.respond = serve;
});

function serve(asked: RecordedRequest): Response {
  if (!valid.has(tokenOf(asked))) return problemResponse(401, "unauthenticated");
  if (asked.path === "/v1/access/tickets") {
    tickets += 1;
    return json({ ticket: `t${tickets}`, expiresAt: "" }, 201);
  }
  if (asked.method === "POST") return json({ jobId: A, status: "queued", totalFileIds: 2, links: {} }, 202);
  return json(status(1));
}

function tokenOf({ headers }: RecordedRequest): string {
  return headers.get("Authorization")?.replace("Bearer ", "") ?? "";
}

function clientWith(token: TokenSource): AccessClient {
  const onSignedOut = () => {
    signedOut += 1;
  };
  return new AccessClient({ baseUrl: "http://server", environment: env.environment, token, onSignedOut });
}

/** A function that returns these tokens one after the other, and then the last one. */
function each(...tokens: string[]): () => string {
  return () => {
    calls += 1;
    return tokens[Math.min(calls, tokens.length) - 1] as string;
  };
}

/** A JWT of this form, without a signature. `exp` is in seconds from now. */
function jwt(seconds: number, more: object = {}): string {
  const token = `e30.${btoa(JSON.stringify({ exp: env.clock.now() / 1000 + seconds, ...more }))}.`;
  valid.add(token);
  return token;
}

async function followed(client: AccessClient): Promise<void> {
  client.follow(A);
  await env.clock.advance(0);
  env.socket.open();
  env.socket.deliver(status(1));
}

describe("Requests", () => {
  test("carry the token, which is loaded once", async () => {
    const client = clientWith(each("first"));
    expect(calls).toBe(0);
    await Promise.all([client.start({ file_ids: [1] }), client.status(A)]);
    expect(env.requests.map(tokenOf)).toEqual(["first", "first"]);
    const started = env.requests.find(({ method }) => method === "POST");
    expect(started?.headers.get("Idempotency-Key")).not.toBeNull();
    expect(calls).toBe(1);
  });

  test("are repeated once with a new token after a 401, with the same Idempotency-Key", async () => {
    valid.delete("first");
    const client = clientWith(each("first", "second"));
    const outcomes = await Promise.all([client.start({ file_ids: [1] }), client.status(A)]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
    expect(env.requests.map(tokenOf).sort()).toEqual(["first", "first", "second", "second"]);
    const keys = env.requests.filter(({ method }) => method === "POST").map((it) => it.headers.get("Idempotency-Key"));
    expect(keys[0]).toBe(keys[1]);
    expect([calls, signedOut]).toEqual([2, 0]);
  });

  test("stop when the new token is refused, too: then nothing more is sent", async () => {
    valid.clear();
    const client = clientWith(each("first", "second", "third"));
    const outcome = await client.status(A);
    expect(outcome.ok ? null : outcome.problem.code).toBe("unauthenticated");
    expect(env.requests.map(tokenOf)).toEqual(["first", "second"]);
    const another = await client.start({ file_ids: [1] });
    expect(another.ok ? null : another.problem).toMatchObject({ code: "unauthenticated", status: 401 });
    expect([env.requests.length, calls, signedOut]).toEqual([2, 2, 1]);
  });

  test("stop at once when there is no other token", async () => {
    valid.clear();
    for (const token of ["first", () => "first"]) await clientWith(token).status(A);
    expect(env.requests).toHaveLength(2);
    await clientWith(() => null).status(A);
    expect(env.requests).toHaveLength(2);
    expect(signedOut).toBe(3);
  });

  test("may replace a token again, once the last one was accepted", async () => {
    const client = clientWith(each("first", "second", "third"));
    await client.status(A);
    for (const refused of ["first", "second"]) {
      valid.delete(refused);
      expect((await client.status(A)).ok).toBe(true);
    }
    expect([calls, signedOut]).toEqual([3, 0]);
  });

  test("go on with the token after a 401 with Retry-After", async () => {
    const client = clientWith(each("first", "second"));
    env.respond = () => problemResponse(401, "invalid_token", { "Retry-After": "2" });
    const outcome = await client.status(A);
    expect(outcome.ok ? null : outcome.problem.retryAfter).toBe(2);
    env.respond = serve;
    expect((await client.status(A)).ok).toBe(true);
    expect([calls, signedOut]).toEqual([1, 0]);
  });

  test("use a new token before the old one expires, and the old one while there is no other", async () => {
    let fails = false;
    const short = jwt(60);
    const next = jwt(600);
    const client = clientWith(() => {
      calls += 1;
      if (fails) throw new Error("The app is away.");
      return calls === 1 ? short : next;
    });
    await client.status(A);
    await env.clock.advance(49);
    await client.status(A);
    expect(calls).toBe(1);
    fails = true;
    await env.clock.advance(2);
    expect((await client.status(A)).ok).toBe(true);
    expect(tokenOf(env.requests.at(-1) as RecordedRequest)).toBe(short);
    fails = false;
    await client.status(A);
    expect(tokenOf(env.requests.at(-1) as RecordedRequest)).toBe(next);
    expect(calls).toBe(3);
  });

  test("leave it to the server whether a token has expired if this clock is wrong", async () => {
    const old = jwt(-3600);
    const client = clientWith(() => {
      calls += 1;
      return old;
    });
    for (let i = 0; i < 3; i += 1) await client.status(A);
    expect(calls).toBe(1);
  });

  test("are unreachable while there is no token, and then go on", async () => {
    let away = true;
    const client = clientWith(async () => {
      if (away) throw new Error("The app is away.");
      return "first";
    });
    const outcome = await client.status(A);
    expect(outcome.ok ? null : outcome.problem.code).toBe("unreachable");
    away = false;
    expect((await client.status(A)).ok).toBe(true);
    expect(signedOut).toBe(0);
  });

  test("start and check all files of a grant without ids", async () => {
    const client = clientWith(jwt(600, { grant: { files: [7, 8] } }));
    await client.start({ archiveName: "photos" });
    await client.preflight();
    await client.start({ file_ids: [8] });
    expect(env.requests.map(({ body }) => body)).toEqual([
      { archiveName: "photos", file_ids: [7, 8] },
      { file_ids: [7, 8] },
      { file_ids: [8] },
    ]);
  });
});

describe("WebSocket", () => {
  test("gets a new ticket for each connection", async () => {
    const client = clientWith("first");
    await followed(client);
    expect(env.socket.url).toBe("ws://server/v1/download/subscribe?ticket=t1");
    expect(env.socket.protocol).toBe("haulage.v1");
    expect(client.getState().connection).toBe("live");
    env.socket.disconnect();
    await env.clock.advance(1);
    expect(env.socket.url).toBe("ws://server/v1/download/subscribe?ticket=t2");
    env.socket.open();
    expect(env.socket.sent).toEqual([{ type: "follow", jobs: [{ jobId: A, since: 1 }] }]);
  });

  test("sends a new token over the same socket when it is told to, and goes on", async () => {
    const client = clientWith(each("first", "second"));
    await followed(client);
    env.socket.deliver({ type: "reauth", expiresAt: "" });
    env.socket.deliver(progress(2));
    await env.clock.advance(0);
    expect(env.socket.sent.at(-1)).toEqual({ type: "reauth", token: "second" });
    expect([env.sockets.length, calls, tickets]).toEqual([1, 2, 1]);
    env.socket.deliver(progress(3));
    expect(client.getState()).toMatchObject({ connection: "live" });
    expect(client.getState().jobs.get(A)?.percent).toBe(3);
  });

  test("sends a token that was renewed meanwhile, without loading another one", async () => {
    const client = clientWith(each("first", "second", "third"));
    client.follow(A);
    await env.clock.advance(0);
    await client.renew(); // before the socket has opened with the ticket of the first one
    env.socket.open();
    env.socket.deliver(status(1));
    env.socket.deliver({ type: "reauth", expiresAt: "" });
    await env.clock.advance(0);
    expect(env.socket.sent.at(-1)).toEqual({ type: "reauth", token: "second" });
    expect(calls).toBe(2);
  });

  test("sends nothing if there is no other token", async () => {
    await followed(clientWith("first"));
    env.socket.deliver({ type: "reauth", expiresAt: "" });
    await env.clock.advance(0);
    expect(env.socket.sent).toHaveLength(1);
  });

  test("is connected again after 4401, with another token", async () => {
    const client = clientWith(each("first", "second"));
    await followed(client);
    valid.delete("first");
    env.socket.disconnect(4401);
    await env.clock.advance(5);
    expect(env.sockets).toHaveLength(2);
    expect(signedOut).toBe(0);
    env.socket.open();
    env.socket.deliver(status(2));
    expect(client.getState().connection).toBe("live");
  });

  test("is not connected again after access has ended, nor is anything else sent", async () => {
    const client = clientWith(each("first", "second"));
    await followed(client);
    valid.clear();
    env.socket.disconnect(4401);
    await env.clock.advance(0.1);
    expect(signedOut).toBe(1);
    expect(client.getState().jobs.get(A)?.problem?.code).toBe("unauthenticated");
    expect(client.getState().connection).toBe("idle");
    const sent = env.requests.length;
    expect(env.requests.slice(1).map(tokenOf)).toEqual(["first", "second"]);
    client.follow(B);
    await env.clock.advance(300);
    expect([env.sockets.length, env.streams.length, env.requests.length, calls]).toEqual([1, 0, sent, 2]);
  });

  test("that is closed while it gets its ticket is never opened", async () => {
    const client = clientWith("first");
    const unfollow = client.follow(A);
    let respond = (_: Response): void => {};
    env.respond = () =>
      new Promise((resolve) => {
        respond = resolve;
      });
    await env.clock.advance(0);
    unfollow();
    await env.clock.advance(0);
    respond(json({ ticket: "late" }, 201));
    await env.clock.advance(1);
    expect(env.sockets).toEqual([]);
  });

  test("without a ticket is tried again, and then polled", async () => {
    const client = clientWith("first");
    env.respond = (asked) =>
      asked.path === "/v1/access/tickets" ? problemResponse(503, "database_unavailable") : serve(asked);
    client.follow(A);
    await env.clock.advance(4);
    expect([env.sockets.length, env.streams.length]).toEqual([0, 0]);
    expect(client.getState().connection).toBe("polling");
  });

  test("of an open server needs no ticket", async () => {
    env.respond = (asked) => (asked.path === "/v1/access/tickets" ? problemResponse(403, "forbidden") : serve(asked));
    await followed(clientWith("first"));
    expect(env.socket.url).toBe("ws://server/v1/download/subscribe");
  });
});

describe("Event stream", () => {
  async function streamed(client: AccessClient): Promise<void> {
    client.follow(A);
    for (let i = 0; i < 2; i += 1) {
      await env.clock.advance(1);
      env.socket.disconnect();
    }
    await env.clock.advance(0);
    env.stream.deliver(status(1));
  }

  test("gets a ticket of its own", async () => {
    const client = clientWith("first");
    await streamed(client);
    expect(env.stream.url).toBe(`http://server/v1/download/stream?jobs=${A}:0&ticket=t3`);
    expect(client.getState().connection).toBe("sse");
  });

  test("is replaced before its access expires, and nothing is missed", async () => {
    const client = clientWith(each("first", "second"));
    await streamed(client);
    const before = env.stream;
    before.deliver({ type: "reauth" });
    expect(before.closed).toBe(false);
    await env.clock.advance(0);
    expect(env.streams).toHaveLength(2);
    expect(before.closed).toBe(true);
    expect(env.stream.url).toContain("ticket=t4");
    env.stream.deliver(status(2));
    expect(client.getState()).toMatchObject({ connection: "sse" });
    expect(client.getState().jobs.get(A)?.percent).toBe(2);
    expect(calls).toBe(2);
  });

  test("that ends is connected again with another ticket", async () => {
    const client = clientWith("first");
    await streamed(client);
    env.stream.disconnect();
    await env.clock.advance(1);
    expect(env.stream.url).toBe(`http://server/v1/download/stream?jobs=${A}:1&ticket=t4`);
  });

  test("is not connected again after access has ended", async () => {
    const client = clientWith(each("first", "second"));
    await streamed(client);
    valid.clear();
    env.stream.disconnect();
    await env.clock.advance(2);
    expect(signedOut).toBe(1);
    expect(client.getState().jobs.get(A)?.problem?.code).toBe("unauthenticated");
    const sent = env.requests.length;
    await env.clock.advance(300);
    expect([env.requests.length, env.streams.length]).toEqual([sent, 1]);
  });
});
