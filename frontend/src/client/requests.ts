// HTTP requests. The result is always an `Outcome`, never an exception.
import type { Environment } from "./environment.ts";
import { type Outcome, type OwnCode, type Problem, problem, problemOf } from "./problems.ts";

const TIMEOUT = 30_000; // milliseconds

export interface RequestOptions {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Bypasses caches, so that the server queries its database. */
  fresh?: boolean;
  signal?: AbortSignal | undefined;
}

/** Sends a request and returns the body of a successful response. */
export type Request = <T>(method: string, path: string, options?: RequestOptions) => Promise<Outcome<T>>;

/** A `Request` function for the server at `baseUrl`. */
export function createRequest(baseUrl: string, { clock, fetch, presence }: Environment): Request {
  return async <T>(method: string, path: string, options: RequestOptions = {}): Promise<Outcome<T>> => {
    const { signal: callerSignal, query, body, headers, fresh = false } = options;
    const timeout = new AbortController();
    const timer = clock.setTimeout(() => timeout.abort(), TIMEOUT);
    try {
      const response = await fetch(baseUrl + path + queryString(query), {
        method,
        // The browser's cache revalidates with the ETag it has, and returns its copy on 304.
        cache: fresh ? "no-store" : "default",
        headers: body === undefined ? {} : { "Content-Type": "application/json", ...headers },
        body: JSON.stringify(body), // undefined without a body
        signal: callerSignal === undefined ? timeout.signal : AbortSignal.any([callerSignal, timeout.signal]),
      });
      if (!response.ok) return { ok: false, problem: await problemOf(response, clock.now()) };
      return { ok: true, value: await response.json() };
    } catch (error) {
      if (timeout.signal.aborted) return failed("timeout");
      if (callerSignal?.aborted) return failed("aborted");
      // A successful response that is not JSON did not come from a Haulage server.
      return failed(
        error instanceof SyntaxError ? "unexpected_response" : presence.online() ? "unreachable" : "offline",
      );
    } finally {
      clock.clearTimeout(timer);
    }
  };
}

function failed(code: OwnCode): { ok: false; problem: Problem } {
  return { ok: false, problem: problem(code) };
}

function queryString(query: RequestOptions["query"] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value || value === 0);
  const text = String(new URLSearchParams(given as [string, string][]));
  return text && `?${text}`;
}
