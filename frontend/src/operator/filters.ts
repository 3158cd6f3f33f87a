// Which jobs are listed, and which of them an action is for. Pure.
import type { Kind, Status } from "../client/index.ts";
import { ENDED, type ErrorView, RETRYABLE } from "../client/schemas.ts";
import type { FilterBody, Verb } from "./schemas.ts";

export const KINDS: readonly Kind[] = ["download", "upload", "image", "pdf", "video"];
export const STATUSES: readonly Status[] = [
  "receiving",
  "queued",
  "processing",
  "retrying",
  "completed",
  "failed",
  "cancelled",
  "expired",
];

/** How far back the list goes, in seconds, under the names that the address has for them. */
export const SPANS = { "1h": 3_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 } as const;
export type Span = keyof typeof SPANS;

/** What is chosen above the list. Empty texts choose nothing. */
export interface JobFilter {
  /** An id or its beginning, an owner, a file, a title, or part of an error. */
  q: string;
  status: Status | "";
  kind: Kind | "";
  owner: string;
  since: Span | "";
  /** Only jobs that ran out of attempts. */
  dead: boolean;
}

export const NO_FILTER: JobFilter = { q: "", status: "", kind: "", owner: "", since: "", dead: false };

/** The filter in the query of the page's address. What is unknown there counts as not chosen. */
export function filterOf(search: string): JobFilter {
  const query = new URLSearchParams(search);
  const one = <T extends string>(name: string, known: readonly T[]): T | "" =>
    known.find((value) => value === query.get(name)) ?? "";
  return {
    q: query.get("q") ?? "",
    status: one("status", STATUSES),
    kind: one("kind", KINDS),
    owner: query.get("owner") ?? "",
    since: one("since", Object.keys(SPANS) as Span[]),
    dead: query.get("dead") === "true",
  };
}

/** The query of the page's address, without what is not chosen. */
export function searchOf(filter: JobFilter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, String(value));
  const text = String(query);
  return text && `?${text}`;
}

/** The filter as the server has it. In a query, the values of a list are separated by commas. */
export type ServerFilter = Partial<FilterBody>;

/** `now`: milliseconds, from which a span counts back. */
export function serverFilter({ q, status, kind, owner, since, dead }: JobFilter, now: number): ServerFilter {
  return {
    ...(q.trim() && { q: q.trim() }),
    ...(status && { status: [status] }),
    ...(kind && { kind: [kind] }),
    ...(owner.trim() && { owner: owner.trim() }),
    ...(since && { since: new Date(now - 1_000 * SPANS[since]).toISOString() }),
    ...(dead && { dead: true }),
  };
}

/** Statuses from which each action leads on. Of failed jobs only dead ones can be deleted. */
const ELIGIBLE: Record<Verb, readonly Status[]> = {
  retry: [...RETRYABLE],
  cancel: STATUSES.filter((status) => !ENDED.has(status)),
  delete: ["failed"],
};

/**
 * The jobs of a filter that an action can change: those in fitting statuses, that were created before now, so that their
 * number stays what it was when it was shown. Null if there can be none, since the filter is for others.
 */
export function filterFor(verb: Verb, filter: JobFilter, now: number): ServerFilter | null {
  const fitting = ELIGIBLE[verb];
  if (filter.status && !fitting.includes(filter.status)) return null;
  const isDead = filter.dead || verb === "delete";
  if (isDead && !fitting.includes("failed")) return null;
  const status = filter.status ? [filter.status] : isDead ? ["failed" as const] : [...fitting];
  const until = new Date(now).toISOString();
  return { ...serverFilter({ ...filter, dead: isDead }, now), status, until };
}

/** Whether a job ran out of attempts, or of time, on errors that might have passed: all but a request that is not valid. */
export function isDead({ status, error }: { status: Status; error: ErrorView | null }): boolean {
  return status === "failed" && error !== null && error.class !== "validation";
}
