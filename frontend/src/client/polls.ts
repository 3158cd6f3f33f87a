// Following by polling: every job is asked for every 2 s. It works wherever HTTP does.
import type { Problem } from "./problems.ts";
import type { JobStatus } from "./schemas.ts";
import type { Timer } from "./surroundings.ts";
import type { Line, Means, Sink, Way } from "./ways.ts";

const INTERVAL = 2_000;
const INTERVAL_UNSEEN = 10_000; // while the page is hidden
const AT_ONCE = 4; // questions under way; a browser has six connections to a server

export const polls: Way = { name: "polling", capacity: Number.POSITIVE_INFINITY, open };

function open({ surroundings, request, ask }: Means, sink: Sink): Line {
  const { clock, senses } = surroundings;
  const end = new AbortController();
  const { signal } = end;
  let wanted: readonly string[] = [];
  let timer: Timer;
  let asking = false;

  /** Asks for all jobs, and comes back. */
  async function round(): Promise<void> {
    const began = clock.now();
    const queue = [...wanted];
    asking = true;
    await Promise.all(Array.from({ length: AT_ONCE }, () => work(queue)));
    asking = false;
    if (signal.aborted) return;
    const interval = senses.visible() ? INTERVAL : INTERVAL_UNSEEN;
    timer = clock.setTimeout(round, Math.max(0, began + interval - clock.now()));
  }

  async function work(queue: string[]): Promise<void> {
    for (let job = queue.shift(); job !== undefined && !signal.aborted; job = queue.shift()) {
      const query = { since: ask(job) };
      const outcome = await request<JobStatus>("GET", `/v1/download/job/${job}`, { query, signal });
      if (signal.aborted) return;
      if (outcome.ok) sink.news(outcome.value);
      else failed(job, outcome.problem);
    }
  }

  /** What a server of ours refuses is the job's; by anything else the line is lost, and tried again. */
  function failed(job: string, problem: Problem): void {
    const { code, status, retryAfter: pause } = problem;
    const reached = status !== null && code !== "unexpected_response";
    if (reached && status < 500 && status !== 429) return sink.refused(job, problem);
    sink.lost({ reached, pause: pause === null ? undefined : [pause, 1.5 * pause + 0.5] });
  }

  function probe(): void {
    clock.clearTimeout(timer);
    if (!asking) void round();
  }

  return {
    sync(jobIds) {
      const fresh = jobIds.some((job) => !wanted.includes(job));
      wanted = jobIds;
      if (fresh) probe();
    },
    again() {}, // the next question asks from where the job is
    probe,
    close() {
      end.abort();
      clock.clearTimeout(timer);
    },
  };
}
