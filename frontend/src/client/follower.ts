// Follows over the best transport that works: WebSocket, then SSE, then polling, and back up again.
import { backoff, type DelayRange, type Disconnect, jittered } from "./backoff.ts";
import { type FollowerHost, MonitoredConnection } from "./connections.ts";
import type { Clock, Environment, Timer } from "./environment.ts";
import type { Transport } from "./transports.ts";

/**
 * How updates arrive: `live` over a WebSocket, `sse` over an event stream, `polling` every 2 s, `offline` without a
 * network or a reachable server, `connecting` until one of them works, `idle` while no job is followed.
 */
export type ConnectionStatus = "idle" | "connecting" | Transport["name"] | "offline";

/** The best one first. The last one works wherever HTTP does. */
export type Transports = readonly [Transport, Transport, Transport];
const LAST = 2;
/** Consecutive failures after which the next transport is used. */
const MAX_FAILURES = 2;
/** Seconds. Instead of waiting this long or longer, the next transport is used. */
const MAX_WAIT = 5;
/** Seconds until a better transport is tried. Doubles with each try, unless the last connection was stable. */
const UPGRADE_DELAY = 5;
const MAX_UPGRADE_DELAY = 80;
/** Milliseconds without a sign of life after which the server counts as unreachable, whatever is tried meanwhile. */
const SILENT = 14_000;
/** Milliseconds after which a connection counts as stable. */
const STABLE = 60_000;
const UPGRADE_SOON: DelayRange = [0.2, 1];
const OVERFLOW_DELAY: DelayRange = [2, 10];
const OFFLINE_DELAY: DelayRange = [15, 20];

export class Follower {
  readonly #host: FollowerHost;
  readonly #transports: Transports;
  readonly #environment: Environment;
  readonly #clock: Clock;
  /** When something was last received, in milliseconds of the clock; null before that. */
  receivedAt: number | null = null;
  readonly #publish: (status: ConnectionStatus, retryAt: number | null) => void;
  /** Index of the current transport. */
  #level = 0;
  #connection: MonitoredConnection | null = null;
  /** A better transport that is tried while the current connection stays in use. */
  #upgrade: MonitoredConnection | null = null;
  /** Polls the jobs that exceed the capacity of the current connection. */
  #overflow: MonitoredConnection | null = null;
  readonly #unsupported = new Set<number>();
  #failures = 0;
  #upgradeTries = 0;
  #openedAt = 0;
  /** There is no network or no reachable server, and nothing was received since. */
  #offline = false;
  #retryTimer: Timer = null;
  #retryAt: number | null = null;
  #upgradeTimer: Timer = null;
  #silenceTimer: Timer = null;
  /** Null while no job is followed. */
  #unsubscribe: (() => void) | null = null;

  constructor(
    host: FollowerHost,
    transports: Transports,
    publish: (status: ConnectionStatus, retryAt: number | null) => void,
  ) {
    this.#host = host;
    this.#transports = transports;
    this.#environment = host.environment;
    this.#clock = this.#environment.clock;
    this.#publish = publish;
  }

  /** Follows the jobs that are active now. */
  sync(): void {
    const jobs = this.#host.activeJobs();
    if (jobs.length === 0) return this.close();
    if (this.#unsubscribe === null) this.#begin();
    if (this.#connection === null && this.#retryAt === null) this.#open(this.#level);
    this.#connection?.sync(jobs);
    this.#upgrade?.sync(jobs);
    this.#syncOverflow(jobs.slice(this.#connection?.capacity ?? jobs.length));
    this.#report();
  }

  /** Retries now instead of waiting, and checks the existing connection. */
  reconnect(): void {
    if (this.#unsubscribe === null) return;
    this.#failures = this.#upgradeTries = 0;
    if (this.#retryAt !== null) this.#open(this.#level);
    else this.#connection?.check();
    if (this.#upgrade === null && this.#level > 0) this.#tryUpgrade(0);
    this.sync();
  }

  close(): void {
    for (const connection of [this.#connection, this.#upgrade, this.#overflow]) connection?.close();
    this.#connection = this.#upgrade = this.#overflow = null;
    this.#clearRetry();
    for (const timer of [this.#upgradeTimer, this.#silenceTimer]) this.#clock.clearTimeout(timer);
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#failures = this.#upgradeTries = 0;
    this.#report();
  }

  #begin(): void {
    this.#offline = !this.#environment.presence.online();
    this.receivedAt = null;
    this.#unsubscribe = this.#environment.presence.subscribe(() => this.#presenceChanged());
    if (this.#level > 0) this.#scheduleUpgrade(UPGRADE_SOON);
  }

  #presenceChanged(): void {
    const { presence } = this.#environment;
    if (!presence.online()) {
      this.#setOffline(); // the server may run on this device, so the connection is checked
      this.#connection?.check();
    } else if (presence.visible()) {
      this.reconnect();
    }
  }

  /** Until something is received. */
  #setOffline(): void {
    this.#offline = true;
    this.#report();
  }

  #open(level: number): void {
    this.#clearRetry();
    this.#level = level;
    this.#openedAt = this.#clock.now();
    this.#connection = this.#connect(level);
  }

  #connect(level: number): MonitoredConnection {
    return new MonitoredConnection(level, this.#transports[level] as Transport, this.#host, {
      received: (connection) => this.#received(connection),
      lost: (connection, disconnect) => this.#lost(connection, disconnect),
    });
  }

  #syncOverflow(jobs: readonly string[]): void {
    if (jobs.length > 0) {
      this.#overflow ??= this.#connect(LAST);
      this.#overflow.sync(jobs);
    } else {
      this.#overflow?.close();
      this.#overflow = null;
    }
  }

  #received(connection: MonitoredConnection): void {
    const recovered = this.#offline || (connection === this.#connection && this.#failures > 0);
    this.#offline = false;
    this.receivedAt = this.#clock.now();
    this.#clock.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = this.#clock.setTimeout(() => this.#setOffline(), SILENT);
    if (connection === this.#upgrade) return this.#completeUpgrade(connection);
    if (connection === this.#connection) this.#failures = 0;
    if (recovered && this.#level > 0) this.#scheduleUpgrade(UPGRADE_SOON); // better transports may work again, too
    this.#report();
  }

  /** The better transport works, so it replaces the current connection. */
  #completeUpgrade(connection: MonitoredConnection): void {
    this.#connection?.close();
    this.#clearRetry();
    this.#upgrade = null;
    this.#connection = connection;
    this.#level = connection.level;
    this.#openedAt = this.#clock.now();
    this.#failures = 0;
    this.#backOffUpgrade();
    this.sync();
  }

  #lost(connection: MonitoredConnection, disconnect: Disconnect): void {
    if (disconnect.permanent) this.#unsupported.add(connection.level);
    if (connection === this.#upgrade) this.#upgradeLost(connection, disconnect);
    else if (connection === this.#connection) this.#connectionLost(disconnect);
    else if (connection === this.#overflow) this.#overflowLost();
    this.#report();
  }

  /** Polling the overflow resumes after a delay, or with the next change of the followed jobs. */
  #overflowLost(): void {
    this.#overflow = null;
    this.#clock.setTimeout(() => this.sync(), jittered(OVERFLOW_DELAY, this.#environment.random));
  }

  #upgradeLost(connection: MonitoredConnection, { delay }: Disconnect): void {
    this.#upgrade = null;
    this.#backOffUpgrade(delay);
    if (connection.level + 1 < this.#level) this.#tryUpgrade(connection.level + 1);
  }

  #connectionLost(disconnect: Disconnect): void {
    this.#connection = null;
    this.#failures += 1;
    const delay = disconnect.delay ?? backoff(this.#failures - 1);
    const fallBack =
      disconnect.permanent || disconnect.unusable || this.#failures >= MAX_FAILURES || delay[0] >= MAX_WAIT;
    if (this.#level < LAST && fallBack) return this.#fallBack(disconnect.delay);
    if (this.#level === LAST && !disconnect.reached) this.#offline = true;
    this.#scheduleRetry(this.#environment.presence.online() ? delay : OFFLINE_DELAY);
  }

  /** Switches to the next supported transport. Polling is always supported. */
  #fallBack(delay: DelayRange | undefined): void {
    if (this.#clock.now() - this.#openedAt > STABLE) this.#upgradeTries = 0;
    let level = this.#level + 1;
    while (level < LAST && this.#unsupported.has(level)) level += 1;
    this.#upgrade?.close();
    this.#upgrade = null;
    this.#failures = 0;
    this.#open(level);
    this.#backOffUpgrade(delay);
    this.sync();
  }

  #scheduleRetry(range: DelayRange): void {
    const delay = jittered(range, this.#environment.random);
    this.#retryAt = this.#clock.now() + delay;
    this.#retryTimer = this.#clock.setTimeout(() => {
      this.#open(this.#level);
      this.sync();
    }, delay);
  }

  #clearRetry(): void {
    this.#clock.clearTimeout(this.#retryTimer);
    this.#retryAt = null;
  }

  /** Schedules the next upgrade with backoff, and not before the given delay. */
  #backOffUpgrade([from, to]: DelayRange = [0, 0]): void {
    const least = Math.min(MAX_UPGRADE_DELAY, UPGRADE_DELAY * 2 ** this.#upgradeTries);
    this.#scheduleUpgrade([Math.max(from, least), Math.max(to, 1.25 * least)]);
  }

  #scheduleUpgrade(range: DelayRange): void {
    this.#clock.clearTimeout(this.#upgradeTimer);
    if (this.#level === 0) return;
    const delay = jittered(range, this.#environment.random);
    this.#upgradeTimer = this.#clock.setTimeout(() => this.#tryUpgrade(0), delay);
  }

  /** Tries the best supported transport from this level on. A hidden page, or one whose requests fail, tries none. */
  #tryUpgrade(from: number): void {
    let level = from;
    while (this.#unsupported.has(level)) level += 1;
    if (level >= this.#level || this.#failures > 0 || !this.#environment.presence.visible()) return;
    if (from === 0) this.#upgradeTries += 1;
    this.#upgrade = this.#connect(level);
    this.#upgrade.sync(this.#host.activeJobs());
  }

  #report(): void {
    this.#publish(this.#status(), this.#retryAt);
  }

  #status(): ConnectionStatus {
    if (this.#unsubscribe === null) return "idle";
    if (this.#offline) return "offline";
    return this.#connection?.proven ? (this.#transports[this.#level] as Transport).name : "connecting";
  }
}
