import type { Problem } from "../client/index.ts";
import { texts } from "../texts.ts";
import { span } from "./formats.ts";

/** What to do about a problem, as a sentence. */
export function adviceFor({ code, status }: Problem, action?: keyof typeof texts.problem.action): string {
  const { advice, noSuchJob, notFound, busy, internal, other } = texts.problem;
  if (action === "job" && code === "invalid_request") return noSuchJob;
  if (code === "job_not_found") return notFound(retention());
  const isBusy = status === 429 || status === 503;
  if (code === "unexpected_response" && isBusy) return busy; // sent by a proxy
  const known = advice[code];
  if (known !== undefined) return known;
  if (isBusy) return busy;
  return status !== null && status >= 500 ? internal : other;
}

/** How long the server keeps a job after its end, which the gateway writes into the page in seconds. */
function retention(): string | null {
  const seconds = Number(globalThis.document?.documentElement.dataset.jobRetention);
  return seconds > 0 ? span(seconds) : null;
}

/** A problem as text, to send to support. */
export function reportOf({ code, status, title, message, fields, requestId }: Problem): string {
  const lines = [
    `${title} (${[code, status].filter((part) => part !== null).join(", ")})`,
    message,
    ...fields.map((one) => `${one.field}: ${one.message}`),
    requestId === null ? "" : `${texts.problem.requestId}: ${requestId}`,
    window.location.href,
    new Date().toISOString(),
  ];
  return lines.filter(Boolean).join("\n");
}
