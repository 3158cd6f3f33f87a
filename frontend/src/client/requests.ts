// Questions over HTTP. What comes back is always an outcome, never an exception.
import { type Outcome, type OwnCode, type Problem, problem, problemOf } from "./problems.ts";
import type { Surroundings } from "./surroundings.ts";

const PATIENCE = 30_000; // milliseconds for an answer

export interface Asking {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  /** Has the server look into its database, whatever it remembers. */
  fresh?: boolean;
  signal?: AbortSignal | undefined;
}

/** Asks, and gives the body of a good answer. */
export type Request = <T>(method: string, path: string, asking?: Asking) => Promise<Outcome<T>>;

/** How to ask the server that is at `baseUrl`. */
export function requests(baseUrl: string, { clock, fetch, senses }: Surroundings): Request {
  return async <T>(method: string, path: string, asking: Asking = {}): Promise<Outcome<T>> => {
    const { signal: given, query, body, headers, fresh = false } = asking;
    const late = new AbortController();
    const timer = clock.setTimeout(() => late.abort(), PATIENCE);
    try {
      const answer = await fetch(baseUrl + path + search(query), {
        method,
        // The browser's cache asks with the ETag it has, and gives what it has when that is still true.
        cache: fresh ? "no-store" : "default",
        headers: body === undefined ? {} : { "Content-Type": "application/json", ...headers },
        body: body === undefined ? null : JSON.stringify(body),
        signal: given === undefined ? late.signal : AbortSignal.any([given, late.signal]),
      });
      if (!answer.ok) return { ok: false, problem: await problemOf(answer, clock.now()) };
      return { ok: true, value: (answer.status === 204 ? undefined : await answer.json()) as T };
    } catch (error) {
      if (late.signal.aborted) return failed("timeout");
      if (given?.aborted) return failed("aborted");
      // A good answer whose body is no JSON was not made by a server of ours.
      return failed(error instanceof SyntaxError ? "unexpected_response" : senses.online() ? "unreachable" : "offline");
    } finally {
      clock.clearTimeout(timer);
    }
  };
}

function failed(code: OwnCode): { ok: false; problem: Problem } {
  return { ok: false, problem: problem(code) };
}

function search(query: Asking["query"] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0 ? "" : `?${new URLSearchParams(given as [string, string][])}`;
}
