// Requests of the page itself: who is signed in, keys, sessions, share links.
import { type Outcome, problem, problemOf } from "../client/problems.ts";
import { ROOT } from "./routes.ts";

const UNAUTHENTICATED = 401;
const listeners = new Set<() => void>();

/** Calls the listener whenever a request is refused because nobody is signed in. Returns the function that stops that. */
export function onUnauthenticated(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** `fetch` for whatever needs somebody who is signed in. */
export const authenticatedFetch: typeof fetch = async (...given) => {
  const response = await fetch(...given);
  if (response.status === UNAUTHENTICATED) for (const listener of [...listeners]) listener();
  return response;
};

/** Sends a request to a path below the root path. The value is the body of the response; undefined without one. */
export async function call<T>(
  method: string,
  path: string,
  { body, signal, send = authenticatedFetch }: { body?: unknown; signal?: AbortSignal; send?: typeof fetch } = {},
): Promise<Outcome<T>> {
  try {
    const response = await send(ROOT + path, {
      method,
      signal: signal ?? null,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: JSON.stringify(body) ?? null,
    });
    if (!response.ok) return { ok: false, problem: await problemOf(response, Date.now()) };
    return { ok: true, value: response.status === 204 ? undefined : await response.json() };
  } catch (error) {
    if (signal?.aborted) return { ok: false, problem: problem("aborted") };
    const unexpected = error instanceof SyntaxError;
    return { ok: false, problem: problem(unexpected ? "unexpected_response" : "unreachable") };
  }
}
