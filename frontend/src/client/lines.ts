// A line under watch: what it asked from, whether it has proven itself, and a watchdog.
import type { Verdict } from "./orders.ts";
import type { Loss } from "./pauses.ts";
import type { Problem } from "./problems.ts";
import type { Request } from "./requests.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Watchdog, watch } from "./watchdogs.ts";
import type { Line, News, Sink, Way } from "./ways.ts";

/** Whom the followed jobs belong to. */
export interface Host {
  baseUrl: string;
  surroundings: Surroundings;
  request: Request;
  /** Jobs to be followed now, the most wanted first. */
  wanted(): readonly string[];
  /** The `seq` that is known of a job. */
  seqOf(jobId: string): number;
  /** News, and the `seq` that they were asked from if they are the answer. */
  take(news: News, asked: number | undefined): Verdict;
  refuse(jobId: string, problem: Problem): void;
  look(jobId: string): Promise<"news" | "nothing" | "problem">;
}

export interface Reports {
  /** It brought something: news or a sign of life. */
  heard(line: WatchedLine): void;
  lost(line: WatchedLine, loss: Loss): void;
}

export class WatchedLine {
  readonly level: number;
  readonly capacity: number;
  /** Something came in, so the way leads to the server and back. */
  proven = false;
  readonly #host: Host;
  readonly #reports: Reports;
  #line: Line | null = null;
  readonly #watchdog: Watchdog | null = null;
  /** Jobs that were asked for and not answered, with the `seq` they were asked from. */
  readonly #asked = new Map<string, number>();

  constructor(level: number, way: Way, host: Host, reports: Reports) {
    this.level = level;
    this.capacity = way.capacity;
    this.#host = host;
    this.#reports = reports;
    this.#safely(() => {
      this.#line = way.open({ ...host, ask: (jobId) => this.#ask(jobId) }, this.#sink());
    });
    if (way.name === "polling") return; // a poll is answered or not: it needs no watching
    const { clock } = host.surroundings;
    this.#watchdog = watch(
      clock,
      () => this.#line?.probe(),
      () => this.#lost({ useless: true }),
    );
  }

  /** Follows as many of these jobs as it has room for. */
  sync(jobIds: readonly string[]): void {
    this.#safely(() => this.#line?.sync(jobIds.slice(0, this.capacity)));
  }

  /** Has it show that it is alive, and soon. */
  doubt(): void {
    if (this.#watchdog === null) this.#line?.probe();
    else this.#watchdog.doubt();
  }

  close(): void {
    this.#watchdog?.stop();
    this.#line?.close();
  }

  #sink(): Sink {
    return {
      news: (news) => this.#news(news),
      alive: () => this.#alive(),
      refused: (jobId, problem) => {
        this.#host.refuse(jobId, problem);
        this.#alive();
      },
      lost: (loss) => this.#lost(loss),
    };
  }

  #ask(jobId: string): number {
    const seq = this.#host.seqOf(jobId);
    this.#asked.set(jobId, seq);
    return seq;
  }

  #news(news: News): void {
    const { jobId } = news;
    const asked = this.#asked.get(jobId);
    const verdict = this.#host.take(news, asked);
    if (verdict !== "gap") this.#asked.delete(jobId);
    else if (asked === undefined) this.#line?.again(jobId);
    this.#alive();
  }

  #alive(): void {
    this.proven = true;
    this.#watchdog?.heard();
    this.#reports.heard(this);
  }

  /** The browser has no such thing, or the page's policy forbids it: that will not change. */
  #safely(run: () => void): void {
    try {
      run();
    } catch {
      this.#host.surroundings.clock.setTimeout(() => this.#lost({ barred: true }), 0);
    }
  }

  #lost(loss: Loss): void {
    this.close();
    this.#reports.lost(this, loss);
  }
}
