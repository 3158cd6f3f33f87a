// What the three ways of following have in common.
import type { Loss } from "./pauses.ts";
import type { Problem } from "./problems.ts";
import type { Request } from "./requests.ts";
import type { Event, JobStatus } from "./schemas.ts";
import type { Surroundings } from "./surroundings.ts";

export type News = Event | JobStatus;

/** Where a line reports to. After `lost` it says no more. */
export interface Sink {
  news(news: News): void;
  /** It is there, although it has no news. */
  alive(): void;
  /** There is no following this job. */
  refused(jobId: string, problem: Problem): void;
  lost(loss: Loss): void;
}

/** One connection, by whichever way. */
export interface Line {
  /** Follows these jobs, and no others. */
  sync(jobIds: readonly string[]): void;
  /** Asks anew for a job of which a message is missing. */
  again(jobId: string): void;
  /** Has it show that it is alive: `alive` or `news` follows, if it is. */
  probe(): void;
  close(): void;
}

export interface Means {
  baseUrl: string;
  surroundings: Surroundings;
  request: Request;
  /** The `seq` after which to ask for a job's changes. The line's next message of the job is taken for the answer. */
  ask(jobId: string): number;
  /** Asks for a job beside the line, and takes what comes. */
  look(jobId: string): Promise<"news" | "nothing" | "problem">;
}

export interface Way {
  name: "live" | "sse" | "polling";
  /** Jobs that one line carries. */
  capacity: number;
  open(means: Means, sink: Sink): Line;
}

export interface ErrorMessage {
  type: "error";
  error: string;
  message: string;
  jobId: string | null;
}

export const TYPES = [
  "snapshot",
  "progress",
  "retrying",
  "completed",
  "failed",
  "cancelled",
  "expired",
  "gone",
] as const;
const KNOWN: ReadonlySet<unknown> = new Set([...TYPES, "error"]);

/** The message in a text; null for one that only a later server knows, or that is none. */
export function read(text: string): News | ErrorMessage | null {
  try {
    const message = JSON.parse(text);
    return KNOWN.has(message?.type) ? message : null;
  } catch {
    return null;
  }
}
