// Errors are values: whatever goes wrong is a `Problem`, and nothing here throws.
import type { ErrorView, ProblemBody } from "./schemas.ts";

/** Codes that no server says: the request never got an answer, or an answer that is none of ours. */
export type OwnCode = "offline" | "unreachable" | "timeout" | "aborted" | "not_ours";

/** Why something could not be done. RFC 9457, and what happens on the way to a server. */
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
  /** Seconds after which trying again may help; null where it says nothing. */
  retryAfter: number | null;
  requestId: string | null;
  /** With `queue_full`: where the job would have stood. */
  queuePosition: number | null;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; problem: Problem };
export type { ErrorView, ProblemBody };
