// A connection of a transport, monitored: which `since` was requested, whether it has proven to work, and a watchdog.
import type { Disconnect } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import type { Verdict } from "./ordering.ts";
import type { Problem } from "./problems.ts";
import type { Request } from "./requests.ts";
import type { Transport, TransportConnection, TransportHandlers, Update } from "./transports.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

/** The owner of the followed jobs. */
export interface FollowerHost {
  baseUrl: string;
  environment: Environment;
  request: Request;
  /** Jobs to follow now, the most recently requested first. */
  activeJobs(): readonly string[];
  /** The last known `seq` of a job. */
  seqOf(jobId: string): number;
  /** Applies an update. `requestedSince` is set if the update responds to a request. */
  apply(update: Update, requestedSince: number | undefined): Verdict;
  reject(jobId: string, problem: Problem): void;
  /** Fetches and applies a job. Returns true if nothing has changed. */
  unchanged(jobId: string): Promise<boolean>;
}

export interface ConnectionListener {
  /** The connection received an update or a sign of life. */
  received(connection: MonitoredConnection): void;
  lost(connection: MonitoredConnection, disconnect: Disconnect): void;
}

export class MonitoredConnection {
  readonly level: number;
  readonly capacity: number;
  /** Something was received, so the transport works in both directions. */
  proven = false;
  readonly #host: FollowerHost;
  readonly #listener: ConnectionListener;
  #connection: TransportConnection | null = null;
  readonly #watchdog: Watchdog | null = null;
  /** Jobs that were requested and not yet received, with the `since` of the request. */
  readonly #requested = new Map<string, number>();

  constructor(level: number, transport: Transport, host: FollowerHost, listener: ConnectionListener) {
    this.level = level;
    this.capacity = transport.capacity;
    this.#host = host;
    this.#listener = listener;
    this.#guarded(() => {
      const context = { ...host, requestSince: (jobId: string) => this.#requestSince(jobId) };
      this.#connection = transport.open(context, this.#handlers());
    });
    if (transport.name === "polling") return; // requests have a timeout, so polling needs no watchdog
    const { clock } = host.environment;
    this.#watchdog = startWatchdog(
      clock,
      () => this.#connection?.probe(),
      () => this.#lost({ unusable: true }),
    );
  }

  /** Follows these jobs, up to its capacity. */
  sync(jobIds: readonly string[]): void {
    this.#guarded(() => this.#connection?.sync(jobIds.slice(0, this.capacity)));
  }

  /** Checks soon whether the connection is alive. */
  check(): void {
    if (this.#watchdog === null) this.#connection?.probe();
    else this.#watchdog.check();
  }

  close(): void {
    this.#watchdog?.stop();
    this.#connection?.close();
  }

  #handlers(): TransportHandlers {
    return {
      update: (update) => this.#update(update),
      alive: () => this.#alive(),
      reject: (jobId, problem) => {
        this.#host.reject(jobId, problem);
        this.#alive();
      },
      lost: (disconnect) => this.#lost(disconnect),
    };
  }

  #requestSince(jobId: string): number {
    const seq = this.#host.seqOf(jobId);
    this.#requested.set(jobId, seq);
    return seq;
  }

  #update(update: Update): void {
    const { jobId } = update;
    const requestedSince = this.#requested.get(jobId);
    const verdict = this.#host.apply(update, requestedSince);
    if (verdict !== "gap") this.#requested.delete(jobId);
    else if (requestedSince === undefined) this.#connection?.refetch(jobId);
    this.#alive();
  }

  #alive(): void {
    this.proven = true;
    this.#watchdog?.feed();
    this.#listener.received(this);
  }

  /** An exception means that the browser lacks the API or that the page's policy forbids it, which will not change. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch {
      this.#host.environment.clock.setTimeout(() => this.#lost({ permanent: true }), 0);
    }
  }

  #lost(disconnect: Disconnect): void {
    this.close();
    this.#listener.lost(this, disconnect);
  }
}
