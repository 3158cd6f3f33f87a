// Questions over HTTP. What comes back is always an outcome, never an exception.
import { type Outcome, problem, problemOf } from "./problems.ts";
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

export class Requests {
  readonly #baseUrl: string;
  readonly #around: Surroundings;

  constructor(baseUrl: string, around: Surroundings) {
    this.#baseUrl = baseUrl;
    this.#around = around;
  }

  /** Asks, and gives the body of a good answer. */
  async ask<T>(method: string, path: string, asking: Asking = {}): Promise<Outcome<T>> {
    const { clock, fetch, senses } = this.#around;
    const giveUp = new AbortController();
    const timer = clock.setTimeout(() => giveUp.abort("timeout"), PATIENCE);
    const leave = () => giveUp.abort("aborted");
    asking.signal?.addEventListener("abort", leave);
    if (asking.signal?.aborted) leave();
    try {
      const answer = await fetch(this.#url(path, asking.query), { ...init(method, asking), signal: giveUp.signal });
      if (!answer.ok) return { ok: false, problem: await problemOf(answer, clock.now()) };
      return { ok: true, value: (answer.status === 204 ? undefined : await answer.json()) as T };
    } catch (error) {
      const code = giveUp.signal.aborted ? giveUp.signal.reason : senses.online() ? codeOf(error) : "offline";
      return { ok: false, problem: problem(code) };
    } finally {
      clock.clearTimeout(timer);
      asking.signal?.removeEventListener("abort", leave);
    }
  }

  #url(path: string, query: Asking["query"] = {}): string {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.#baseUrl + path + (given.length > 0 ? `?${search}` : "");
  }
}

function init(method: string, { body, headers = {}, fresh = false }: Asking): RequestInit {
  // The browser's cache asks with the ETag it has, and gives what it has when that is still true.
  const cache = fresh ? "no-store" : "default";
  if (body === undefined) return { method, cache, headers };
  return { method, cache, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** A good answer whose body is no JSON was not made by a server of ours. */
function codeOf(error: unknown): string {
  return error instanceof SyntaxError ? "not_ours" : "unreachable";
}
