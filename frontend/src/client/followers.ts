// Following all wanted jobs by the best way that works: WebSocket, else SSE, else polling, and back up again.
import { type Host, WatchedLine } from "./lines.ts";
import { backoff, type Loss, type Range, within } from "./pauses.ts";
import { polls } from "./polls.ts";
import { sockets } from "./sockets.ts";
import { streams } from "./streams.ts";
import type { Clock, Timer } from "./surroundings.ts";
import type { Way } from "./ways.ts";

/**
 * How news come in: `live` WebSocket, `sse` event stream, `polling` every 2 s, `offline` no network or no server.
 * `connecting` while that is tried, `idle` while there is nothing to follow.
 */
export type Connection = "idle" | "connecting" | Way["name"] | "offline";

const WAYS: readonly Way[] = [sockets, streams, polls];
const LAST = WAYS.length - 1;
/** Failures in a row after which the next way is tried. */
const FAILURES = 2;
/** Seconds: a longer pause is not waited for, the next way is tried meanwhile. */
const PATIENCE = 5;
/** Seconds until a better way is tried; each time twice as long, unless the last line held for a while. */
const CLIMB = 10;
const LONGEST_CLIMB = 80;
const HELD = 60_000;
const SOON: Range = [0.2, 1];
const OVERFLOW: Range = [2, 10];
const OFFLINE: Range = [15, 20];

export class Follower {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #report: (connection: Connection, retryAt: number | null) => void;
  #level = 0;
  #line: WatchedLine | null = null;
  /** A better way that is tried while the line goes on. */
  #trial: WatchedLine | null = null;
  /** What the line has no room for is polled. */
  #overflow: WatchedLine | null = null;
  readonly #barred = new Set<number>();
  #failures = 0;
  #climbs = 0;
  #opened = 0;
  /** There is no network, or no server, and nothing came in to say otherwise. */
  #cut = false;
  #retry: Timer = null;
  #retryAt: number | null = null;
  #climb: Timer = null;
  #unsense: (() => void) | null = null;

  constructor(host: Host, report: (connection: Connection, retryAt: number | null) => void) {
    this.#host = host;
    this.#clock = host.surroundings.clock;
    this.#report = report;
  }

  /** Follows what is wanted now. */
  sync(): void {
    const jobs = this.#host.wanted();
    if (jobs.length === 0) return this.close();
    if (this.#unsense === null) this.#begin();
    if (this.#line === null && this.#retryAt === null) this.#open(this.#level);
    this.#line?.sync(jobs);
    this.#trial?.sync(jobs);
    this.#carry(jobs.slice(this.#line?.capacity ?? jobs.length));
    this.#tell();
  }

  /** Tries at once what waits to be tried again, and doubts what is there. */
  wake(): void {
    if (this.#unsense === null) return;
    this.#failures = this.#climbs = 0;
    if (this.#retryAt !== null) this.#open(this.#level);
    else this.#line?.doubt();
    if (this.#trial === null && this.#level > 0) this.#try(0);
    this.sync();
  }

  close(): void {
    for (const line of [this.#line, this.#trial, this.#overflow]) line?.close();
    this.#line = this.#trial = this.#overflow = null;
    this.#forgetRetry();
    this.#clock.clearTimeout(this.#climb);
    this.#unsense?.();
    this.#unsense = null;
    this.#failures = this.#climbs = 0;
    this.#tell();
  }

  #begin(): void {
    const { senses } = this.#host.surroundings;
    this.#cut = !senses.online();
    this.#unsense = senses.subscribe(() => this.#sensed());
    if (this.#level > 0) this.#climbIn(SOON);
  }

  /** The network came or went, or somebody looks again. */
  #sensed(): void {
    const { senses } = this.#host.surroundings;
    if (!senses.online()) {
      this.#cut = true; // until something comes in: a server may be on this very device
      this.#line?.doubt();
      this.#tell();
    } else if (senses.visible()) {
      this.wake();
    }
  }

  #open(level: number): void {
    this.#forgetRetry();
    this.#level = level;
    this.#opened = this.#clock.now();
    this.#line = this.#lineOf(level);
  }

  #lineOf(level: number): WatchedLine {
    return new WatchedLine(level, WAYS[level] as Way, this.#host, {
      heard: (line) => this.#heard(line),
      lost: (line, loss) => this.#lost(line, loss),
    });
  }

  #carry(jobs: readonly string[]): void {
    if (jobs.length === 0) this.#overflow?.close();
    this.#overflow = jobs.length === 0 ? null : (this.#overflow ?? this.#lineOf(LAST));
    this.#overflow?.sync(jobs);
  }

  #heard(line: WatchedLine): void {
    const mended = this.#cut || (line === this.#line && this.#failures > 0);
    this.#cut = false;
    if (line === this.#trial) return this.#promote(line);
    if (line === this.#line) this.#failures = 0;
    if (mended && this.#level > 0) this.#climbIn(SOON); // the better way may be whole again, too
    this.#tell();
  }

  /** The better way works: the line that went on meanwhile is needed no more. */
  #promote(line: WatchedLine): void {
    this.#line?.close();
    this.#forgetRetry();
    this.#trial = null;
    this.#line = line;
    this.#level = line.level;
    this.#opened = this.#clock.now();
    this.#failures = 0;
    this.#climbLater();
    this.sync();
  }

  #lost(line: WatchedLine, loss: Loss): void {
    if (loss.barred) this.#barred.add(line.level);
    if (line === this.#trial) this.#trialLost(line, loss);
    else if (line === this.#line) this.#lineLost(loss);
    else if (line === this.#overflow) this.#overflowLost();
    this.#tell();
  }

  /** The others go on; it is made anew in a while, or as soon as anything else changes. */
  #overflowLost(): void {
    this.#overflow = null;
    this.#clock.setTimeout(() => this.sync(), within(OVERFLOW, this.#host.surroundings.random));
  }

  #trialLost(line: WatchedLine, loss: Loss): void {
    this.#trial = null;
    this.#climbLater(loss.pause);
    if (line.level + 1 < this.#level) this.#try(line.level + 1);
  }

  #lineLost(loss: Loss): void {
    this.#line = null;
    this.#failures += 1;
    const pause = loss.pause ?? backoff(this.#failures - 1);
    const hopeless = loss.barred || loss.useless || this.#failures >= FAILURES || pause[0] >= PATIENCE;
    if (this.#level < LAST && hopeless) return this.#fall(loss.pause);
    if (this.#level === LAST && !loss.reached) this.#cut = true;
    this.#retryIn(this.#host.surroundings.senses.online() ? pause : OFFLINE);
  }

  /** Goes on by the next way that is not barred; the last one never is. */
  #fall(pause: Range | undefined): void {
    if (this.#clock.now() - this.#opened > HELD) this.#climbs = 0;
    let level = this.#level + 1;
    while (level < LAST && this.#barred.has(level)) level += 1;
    if (this.#trial !== null) this.#trial.close();
    this.#trial = null;
    this.#failures = 0;
    this.#open(level);
    this.#climbLater(pause);
    this.sync();
  }

  #retryIn(pause: Range): void {
    const delay = within(pause, this.#host.surroundings.random);
    this.#retryAt = this.#clock.now() + delay;
    this.#retry = this.#clock.setTimeout(() => {
      this.#open(this.#level);
      this.sync();
    }, delay);
  }

  #forgetRetry(): void {
    this.#clock.clearTimeout(this.#retry);
    this.#retryAt = null;
  }

  /** Has a better way be tried in a while, and not before `pause` is over. */
  #climbLater([from, to]: Range = [0, 0]): void {
    const least = Math.min(LONGEST_CLIMB, CLIMB * 2 ** this.#climbs);
    this.#climbIn([Math.max(from, least), Math.max(to, 1.25 * least)]);
  }

  #climbIn(pause: Range): void {
    this.#clock.clearTimeout(this.#climb);
    if (this.#level === 0) return;
    this.#climb = this.#clock.setTimeout(() => this.#try(0), within(pause, this.#host.surroundings.random));
  }

  /** Tries the best way from this level up to where the line is. Where nobody looks or nothing leads, a waking does it. */
  #try(from: number): void {
    let level = from;
    while (this.#barred.has(level)) level += 1;
    if (level >= this.#level || this.#cut || !this.#host.surroundings.senses.visible()) return;
    if (from === 0) this.#climbs += 1;
    this.#trial = this.#lineOf(level);
    this.#trial.sync(this.#host.wanted());
  }

  #tell(): void {
    this.#report(this.#connection(), this.#retryAt);
  }

  #connection(): Connection {
    if (this.#unsense === null) return "idle";
    if (this.#cut) return "offline";
    return this.#line?.proven ? (WAYS[this.#level] as Way).name : "connecting";
  }
}
