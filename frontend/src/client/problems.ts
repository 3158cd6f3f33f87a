// Errors are values: whatever goes wrong is a `Problem`, and nothing throws.
import type { ProblemBody } from "./schemas.ts";

/** Codes of what is found out here: no answer, or none of a server of ours; a request that is not worth sending. */
export type OwnCode =
  | "offline"
  | "unreachable"
  | "timeout"
  | "aborted"
  | "unexpected_response"
  | "nothing_failed"
  | "gone"
  | "invalid_request";

/** Why something could not be done: RFC 9457, and what happens on the way to a server. */
export interface Problem {
  /** The server's `error` (`job_not_found`, `queue_full`, …), or one of `OwnCode`. */
  code: string;
  /** HTTP status; null where there was no answer. */
  status: number | null;
  title: string;
  /** For people, a sentence. */
  message: string;
  /** Offending fields of a request, in the server's words. */
  fields: { field: string; message: string }[];
  /** Seconds after which trying again may help; null where nothing is said. */
  retryAfter: number | null;
  requestId: string | null;
  /** With `queue_full`: where the job would have stood. */
  queuePosition: number | null;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; problem: Problem };

const OWN: Record<OwnCode, string> = {
  offline: "There is no network connection.",
  unreachable: "The server can't be reached.",
  timeout: "The server did not respond in time.",
  aborted: "The request was cancelled.",
  unexpected_response: "The response did not come from a Haulage server.",
  nothing_failed: "No files failed.",
  gone: "The download was deleted.",
  invalid_request: "This is not a valid job ID.",
};

/** A problem that no server told of. */
export function problem(code: string, more: Partial<Problem> = {}): Problem {
  const message = OWN[code as OwnCode] ?? code;
  const nothing = { status: null, fields: [], retryAfter: null, requestId: null, queuePosition: null };
  return { code, title: message, message, ...nothing, ...more };
}

/** The problem that an answer tells of, if it is a server's; else what can be said of it. `now` in milliseconds. */
export async function problemOf(answer: Response, now: number): Promise<Problem> {
  const { status, headers } = answer;
  const more = {
    status,
    retryAfter: secondsUntil(headers.get("Retry-After"), now),
    requestId: headers.get("X-Request-ID"),
  };
  if (!headers.get("Content-Type")?.startsWith("application/problem+json")) return problem("unexpected_response", more);
  try {
    const body: ProblemBody = await answer.json();
    const { error, title, message, errors, queuePosition = null } = body;
    return problem(error, { ...more, title, message, fields: errors ?? [], queuePosition });
  } catch {
    return problem("unexpected_response", more);
  }
}

/** `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. */
function secondsUntil(text: string | null, now: number): number | null {
  if (text === null) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
