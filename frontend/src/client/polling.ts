// Transport: polling. Every job is fetched every 2 s. It works wherever HTTP does.
import type { Timer } from "./environment.ts";
import type { Problem } from "./problems.ts";
import type { JobStatus } from "./schemas.ts";
import type { Transport, TransportConnection, TransportContext, TransportHandlers } from "./transports.ts";

const INTERVAL = 2_000; // milliseconds
const HIDDEN_INTERVAL = 10_000; // milliseconds, while the page is hidden
const CONCURRENCY = 4; // browsers open six connections per server

export const pollingTransport: Transport = { name: "polling", capacity: Number.POSITIVE_INFINITY, open };

function open(
  { environment, request, requestSince }: TransportContext,
  handlers: TransportHandlers,
): TransportConnection {
  const { clock, presence } = environment;
  const abort = new AbortController();
  const { signal } = abort;
  let wanted: readonly string[] = [];
  let timer: Timer;
  let polling = false;

  /** Polls all jobs, then schedules the next round. */
  async function pollAll(): Promise<void> {
    const started = clock.now();
    const queue = [...wanted];
    polling = true;
    await Promise.all(Array.from({ length: CONCURRENCY }, () => pollFrom(queue)));
    polling = false;
    if (signal.aborted) return;
    const interval = presence.visible() ? INTERVAL : HIDDEN_INTERVAL;
    timer = clock.setTimeout(pollAll, Math.max(0, started + interval - clock.now()));
  }

  async function pollFrom(queue: string[]): Promise<void> {
    for (let job = queue.shift(); job !== undefined && !signal.aborted; job = queue.shift()) {
      const query = { since: requestSince(job) };
      const outcome = await request<JobStatus>("GET", `/v1/download/job/${job}`, { query, signal });
      if (signal.aborted) return;
      if (outcome.ok) handlers.update(outcome.value);
      else handleProblem(job, outcome.problem);
    }
  }

  /** A client error that a Haulage server returned concerns the job. Any other problem loses the connection. */
  function handleProblem(job: string, problem: Problem): void {
    const { code, status, retryAfter } = problem;
    const reached = status !== null && code !== "unexpected_response";
    if (reached && status < 500 && status !== 429) return handlers.reject(job, problem);
    handlers.lost({ reached, delay: retryAfter === null ? undefined : [retryAfter, 1.5 * retryAfter + 0.5] });
  }

  function probe(): void {
    clock.clearTimeout(timer);
    if (!polling) void pollAll();
  }

  return {
    sync(jobIds) {
      const added = jobIds.some((job) => !wanted.includes(job));
      wanted = jobIds;
      if (added) probe();
    },
    refetch() {}, // the next poll requests what is missing
    probe,
    close() {
      abort.abort();
      clock.clearTimeout(timer);
    },
  };
}
