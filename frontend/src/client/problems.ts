// Errors are values: everything that goes wrong is a `Problem`, and nothing throws.
import type { ProblemBody } from "./schemas.ts";

/** Codes that the client itself assigns: no response, an unexpected response, or an invalid request. */
export type OwnCode =
  | "offline"
  | "unreachable"
  | "timeout"
  | "aborted"
  | "unexpected_response"
  | "nothing_failed"
  | "gone"
  | "invalid_request";

/** Why a call failed: a problem of the server (RFC 9457), or one of the connection to it. */
export interface Problem {
  /** The server's `error` (`job_not_found`, `queue_full`, …), or one of `OwnCode`. */
  code: string;
  /** HTTP status; null without a response. */
  status: number | null;
  title: string;
  /** A sentence to show to users. */
  message: string;
  /** Invalid fields of the request, with the server's messages. */
  fields: { field: string; message: string }[];
  /** Seconds to wait before retrying; null if the server did not say. */
  retryAfter: number | null;
  requestId: string | null;
  /** With `queue_full`: the position that the job would have had. */
  queuePosition: number | null;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; problem: Problem };

const OWN: Record<OwnCode, string> = {
  offline: "No network connection.",
  unreachable: "The server can't be reached.",
  timeout: "The server did not respond.",
  aborted: "Cancelled.",
  unexpected_response: "Unexpected response.",
  nothing_failed: "No files failed.",
  gone: "The job was deleted.",
  invalid_request: "Invalid job ID.",
};

/** A problem with the given code; fields that are not given are empty. */
export function problem(code: string, more: Partial<Problem> = {}): Problem {
  const message = OWN[code as OwnCode] ?? code;
  const empty = { status: null, fields: [], retryAfter: null, requestId: null, queuePosition: null };
  return { code, title: message, message, ...empty, ...more };
}

/** The problem of an error response; `unexpected_response` if no Haulage server sent it. `now` is in milliseconds. */
export async function problemOf(response: Response, now: number): Promise<Problem> {
  const { status, headers } = response;
  const more = {
    status,
    retryAfter: secondsUntil(headers.get("Retry-After"), now),
    requestId: headers.get("X-Request-ID"),
  };
  if (!headers.get("Content-Type")?.startsWith("application/problem+json")) return problem("unexpected_response", more);
  try {
    const body: ProblemBody = await response.json();
    const { error, title, message, errors, queuePosition = null } = body;
    return problem(error, { ...more, title, message, fields: errors ?? [], queuePosition });
  } catch {
    return problem("unexpected_response", more);
  }
}

/** `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date; null for one in the past, or if it is neither. */
function secondsUntil(text: string | null, now: number): number | null {
  if (text === null) return null;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1000;
  return seconds >= 0 ? seconds : null;
}
