import { beforeEach, describe, expect, test } from "vitest";
import { FakeEnvironment, json, problemResponse } from "../testing/environment.ts";
import { overview } from "../testing/operator.ts";
import { OverviewFeed } from "./feed.ts";
import type { Overview } from "./schemas.ts";

let env: FakeEnvironment;
let feed: OverviewFeed;
beforeEach(() => {
  env = new FakeEnvironment();
  feed = new OverviewFeed({ baseUrl: "http://server", environment: env.environment });
});

const later = (seconds: number): Overview => overview({ at: new Date(env.clock.now() + 1000 * seconds).toISOString() });
const message = (of: Overview) => ({ type: "operator", overview: of });
const connection = () => feed.getState().connection;

/** WebSockets are blocked: two fail, and a stream is opened. */
async function withoutWebSockets(): Promise<void> {
  feed.follow();
  env.socket.disconnect();
  await env.clock.advance(1);
  env.socket.disconnect();
  await env.clock.advance(0);
}

describe("WebSocket", () => {
  test("watches the topic at the address for jobs, and is live with the first overview", () => {
    feed.follow();
    expect(env.socket.url).toBe("ws://server/v1/download/subscribe");
    expect(env.socket.protocol).toBe("haulage.v1");
    env.socket.open();
    expect(env.socket.sent).toEqual([SUBSCRIBE]);
    expect(connection()).toBe("connecting");
    const first = later(0);
    env.socket.deliver(message(first));
    expect(connection()).toBe("live");
    expect(feed.getState().overview).toEqual(first);
    expect(env.requests).toEqual([]);
  });

  test("is probed in a silence by watching again, and replaced if it stays silent", async () => {
    feed.follow();
    env.socket.open();
    env.socket.deliver(message(later(0)));
    await env.clock.advance(6);
    expect(env.socket.sent).toEqual([SUBSCRIBE, SUBSCRIBE]);
    env.socket.deliver(message(later(0)));
    await env.clock.advance(6);
    expect(connection()).toBe("live");
    await env.clock.advance(6);
    expect(env.streams).toHaveLength(1);
  });

  test("is closed when nobody follows", () => {
    const unfollow = feed.follow();
    env.socket.open();
    unfollow();
    expect(env.socket.closed).toBe(true);
    expect(connection()).toBe("idle");
  });

  test("goes on when the database was away, and asks again", async () => {
    feed.follow();
    env.socket.open();
    env.socket.deliver({ type: "error", error: "database_unavailable", message: "", jobId: null });
    await env.clock.advance(7);
    expect(env.socket.sent.length).toBeGreaterThan(1);
    expect(env.streams).toHaveLength(0);
  });

  test("of a gateway that does not know the topic is given up for the stream", async () => {
    feed.follow();
    env.socket.open();
    env.socket.deliver({ type: "error", error: "invalid_message", message: "", jobId: null });
    await env.clock.advance(0);
    expect(env.stream.url).toBe("http://server/v1/operator/stream");
  });
});

test("where WebSockets are blocked, it comes over an event stream", async () => {
  await withoutWebSockets();
  const first = later(0);
  env.stream.deliver(message(first));
  expect(connection()).toBe("sse");
  expect(feed.getState().overview).toEqual(first);
});

test("a stream that delivers what a request returns is alive, one that lags behind is not", async () => {
  await withoutWebSockets();
  const first = later(0);
  env.stream.deliver(message(first));
  env.respond = () => json(later(0)); // found later, and the same otherwise
  await env.clock.advance(12);
  expect(connection()).toBe("sse");
  env.respond = () => json({ ...later(0), gateways: { running: 1, known: 2 } });
  await env.clock.advance(12);
  expect(connection()).toBe("polling");
});

describe("Polling", () => {
  async function polled(): Promise<void> {
    await withoutWebSockets();
    env.stream.disconnect(2);
    await env.clock.advance(0);
  }

  test("comes last, every two seconds, and every ten while the page is hidden", async () => {
    env.respond = () => json(later(0));
    await polled();
    expect(connection()).toBe("polling");
    const before = env.requests.length;
    await env.clock.advance(4);
    expect(env.requests.length - before).toBe(2);
    await env.setPresence({ visible: false });
    await env.clock.advance(2);
    const hidden = env.requests.length;
    await env.clock.advance(9);
    expect(env.requests.length - hidden).toBeLessThanOrEqual(1);
  });

  test("says why it is refused, and goes on", async () => {
    env.respond = () => problemResponse(403, "forbidden");
    await polled();
    expect(feed.getState().problem?.code).toBe("forbidden");
    env.respond = () => json(later(0));
    await env.clock.advance(2);
    expect(feed.getState()).toMatchObject({ problem: null, overview: { gateways: { running: 2 } } });
  });

  test("of a server that is away is offline", async () => {
    await polled();
    expect(connection()).toBe("offline");
    expect(feed.getState().retryAt).not.toBeNull();
  });
});

test("an older overview does not replace a newer one", () => {
  feed.follow();
  env.socket.open();
  const [older, newer] = [later(0), later(2)];
  env.socket.deliver(message(newer));
  env.socket.deliver(message(older));
  expect(feed.getState().overview).toEqual(newer);
});

const SUBSCRIBE = { type: "watch", topic: "operator" };
