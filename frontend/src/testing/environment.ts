// A fake environment for the client: time advances only when the test says so, and the test makes every response.
import { Client, type Clock, type Environment, type Event, type JobStatus } from "../client/index.ts";

export const A = "00000000-0000-4000-8000-00000000000a";
export const B = "00000000-0000-4000-8000-00000000000b";

class FakeClock implements Clock {
  time = Date.parse("2026-11-21T12:00:00Z");
  #timers = new Map<number, { at: number; run: () => void }>();
  #count = 0;

  now(): number {
    return this.time;
  }

  setTimeout(run: () => void, delay: number): number {
    this.#count += 1;
    this.#timers.set(this.#count, { at: this.time + Math.max(0, delay), run });
    return this.#count;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /** Advances by `seconds`. Timers run at their due times, and pending promises settle in between. */
  async advance(seconds: number): Promise<void> {
    const end = this.time + 1000 * seconds;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].run();
      await settle();
    }
    this.time = end;
  }

  /** Simulates a sleeping machine: time passes first, and only then do due timers run. */
  async sleep(seconds: number): Promise<void> {
    this.time += 1000 * seconds;
    await this.advance(0);
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 30; i += 1) await Promise.resolve();
}

export class FakeSocket {
  readyState = 0;
  sent: { type: string; jobs: { jobId: string; since: number }[] }[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly url: string;
  readonly protocol: string;

  constructor(url: string, protocol: string) {
    this.url = url;
    this.protocol = protocol;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.closed = true;
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  deliver(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  disconnect(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

export class FakeStream {
  readyState = 0;
  closed = false;
  onerror: (() => void) | null = null;
  #listeners = new Map<string, (event: { data: string }) => void>();

  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  addEventListener(type: string, listener: (event: { data: string }) => void): void {
    this.#listeners.set(type, listener);
  }
  close(): void {
    this.closed = true;
  }
  deliver(message: { type: string }): void {
    this.readyState = 1;
    if (!this.closed) this.#listeners.get(message.type)?.({ data: JSON.stringify(message) });
  }
  disconnect(readyState = 0): void {
    this.readyState = readyState;
    this.onerror?.();
  }
}

export interface RecordedRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: Headers;
  cache: string | undefined;
  signal: AbortSignal | null | undefined;
}
export type Responder = (asked: RecordedRequest) => Response | Promise<Response>;

/** A JSON response. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
}

/** A problem response of a Haulage server. */
export function problemResponse(
  status: number,
  error: string,
  headers: Record<string, string> = {},
  more = {},
): Response {
  const body = { type: `urn:haulage:problem:${error}`, title: error, status, detail: error, error, message: error };
  return json({ ...body, requestId: "r", ...more }, status, { "Content-Type": "application/problem+json", ...headers });
}

export function unreachable(): never {
  throw new TypeError("Failed to fetch");
}

/** The full status of a job. */
export function status(seq: number, more: Partial<JobStatus> = {}): JobStatus {
  const jobId = more.jobId ?? A;
  return {
    ...progress(seq, { since: 0 }),
    type: "snapshot",
    kind: "download",
    archiveName: "a.zip",
    title: "a.zip",
    onMissing: "fail",
    compression: "store",
    maxAttempts: 3,
    createdAt: "2026-11-21T12:00:00Z",
    startedAt: null,
    finishedAt: null,
    nextAttemptAt: null,
    result: null,
    links: { self: "", retry: "", cancel: "", downloadUrl: "", file: "", bundle: "" },
    ...more,
    jobId,
  };
}

/** An event that continues from `seq - 1`. */
export function progress(seq: number, more: Partial<Event> = {}): Event {
  return {
    type: "progress",
    jobId: A,
    since: seq - 1,
    seq,
    tick: 0,
    ts: "2026-11-21T12:00:00Z",
    status: "processing",
    attempt: 1,
    progress: {
      phase: "packing",
      percent: seq,
      bytesDone: seq,
      bytesTotal: 100,
      filesDone: 0,
      filesTotal: 2,
      filesOmitted: 0,
      bytesPerSecond: null,
      etaSeconds: null,
      queuePosition: null,
      startsInSeconds: null,
    },
    files: [],
    error: null,
    degraded: false,
    ...more,
  };
}

export class FakeEnvironment {
  readonly clock = new FakeClock();
  readonly sockets: FakeSocket[] = [];
  readonly streams: FakeStream[] = [];
  readonly requests: RecordedRequest[] = [];
  online = true;
  visible = true;
  /** Responds to HTTP requests. */
  respond: Responder = unreachable;
  random = 0.5;
  #presenceListeners = new Set<() => void>();

  readonly environment: Environment = {
    clock: this.clock,
    random: () => this.random,
    fetch: (url, init) => this.#fetch(String(url), init ?? {}),
    webSocket: (url, protocol) => this.#recorded(this.sockets, new FakeSocket(url, protocol)) as unknown as WebSocket,
    eventSource: (url) => this.#recorded(this.streams, new FakeStream(url)) as unknown as EventSource,
    presence: {
      online: () => this.online,
      visible: () => this.visible,
      subscribe: (listener) => {
        this.#presenceListeners.add(listener);
        return () => this.#presenceListeners.delete(listener);
      },
    },
  };
  readonly client: Client;

  constructor(others: Partial<Environment> = {}) {
    this.client = new Client({ baseUrl: "http://server", environment: { ...this.environment, ...others } });
  }

  /** The newest WebSocket. */
  get socket(): FakeSocket {
    return last(this.sockets);
  }
  get stream(): FakeStream {
    return last(this.streams);
  }
  /** The number of presence listeners. */
  get presenceListeners(): number {
    return this.#presenceListeners.size;
  }
  get connection(): string {
    return this.client.getState().connection;
  }
  get job() {
    return this.client.getState().jobs.get(A);
  }

  /** Changes whether the device is online or the page visible. */
  async setPresence(change: { online?: boolean; visible?: boolean }): Promise<void> {
    Object.assign(this, change);
    for (const listener of [...this.#presenceListeners]) listener();
    await this.clock.advance(0);
  }

  /** Follows a job over a working WebSocket. */
  async followLive(jobId = A): Promise<() => void> {
    const unfollow = this.client.follow(jobId);
    await this.clock.advance(0);
    this.socket.open();
    this.socket.deliver(status(1, { jobId }));
    return unfollow;
  }

  /** Follows a job with WebSockets blocked: two fail, and a stream is opened. */
  async blockWebSockets(jobId = A): Promise<void> {
    this.client.follow(jobId);
    await this.clock.advance(0);
    this.socket.disconnect();
    await this.clock.advance(1);
    this.socket.disconnect();
    await this.clock.advance(0);
  }

  #recorded<T>(all: T[], one: T): T {
    all.push(one);
    return one;
  }

  async #fetch(url: string, { method = "GET", body, headers, signal, cache }: RequestInit): Promise<Response> {
    const { pathname: path, searchParams: query } = new URL(url);
    const asked = {
      method,
      path,
      query,
      body: body ? JSON.parse(String(body)) : null,
      headers: new Headers(headers),
      cache,
      signal,
    };
    this.requests.push(asked);
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      Promise.resolve(asked).then(this.respond).then(resolve, reject);
    });
  }
}

function last<T>(all: readonly T[]): T {
  const one = all.at(-1);
  if (one === undefined) throw new Error("none was opened yet");
  return one;
}
