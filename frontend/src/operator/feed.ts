// The overview, kept up to date by the follower of the client.
import { browserEnvironment, type Environment } from "../client/environment.ts";
import { type ConnectionStatus, Follower } from "../client/follower.ts";
import type { Problem } from "../client/problems.ts";
import { createRequest } from "../client/requests.ts";
import { createStore, type Store } from "../client/store.ts";
import type { Overview } from "./schemas.ts";
import { operatorTransports, TOPIC } from "./transports.ts";

export interface FeedState {
  connection: ConnectionStatus;
  /** When it reconnects automatically, in milliseconds of the clock; null while that is not scheduled. */
  retryAt: number | null;
  /** The newest one that arrived; null before the first. */
  overview: Overview | null;
  /** Why there is none, or not any more. */
  problem: Problem | null;
}

interface Options {
  baseUrl: string;
  environment?: Partial<Environment>;
}

export class OverviewFeed {
  /** For useSyncExternalStore. */
  readonly subscribe: Store<FeedState>["subscribe"];
  readonly getState: Store<FeedState>["get"];
  readonly #store: Store<FeedState>;
  readonly #follower: Follower;
  #isFollowing = false;

  constructor({ baseUrl, environment: given = {} }: Options) {
    const environment = { ...browserEnvironment(), ...given };
    this.#store = createStore<FeedState>(
      { connection: "idle", retryAt: null, overview: null, problem: null },
      environment.clock,
    );
    this.subscribe = this.#store.subscribe;
    this.getState = this.#store.get;
    const host = {
      baseUrl,
      environment,
      request: createRequest(baseUrl, environment),
      activeJobs: () => (this.#isFollowing ? [TOPIC] : []),
      reject: (_: string, problem: Problem) => this.#store.set({ problem }),
      // An overview is whole, and replaces the one before: there are no gaps.
      seqOf: () => 0,
      apply: () => "next" as const,
      unchanged: async () => true,
    };
    const transports = operatorTransports((overview) => this.#receive(overview));
    this.#follower = new Follower(host, transports, (connection, retryAt) => {
      const state = this.getState();
      if (state.connection !== connection || state.retryAt !== retryAt) this.#store.set({ connection, retryAt });
    });
  }

  /** Follows until the returned function is called. */
  follow(): () => void {
    this.#isFollowing = true;
    this.#follower.sync();
    return () => {
      this.#isFollowing = false;
      this.#follower.sync();
    };
  }

  /** When something last arrived, in milliseconds of the clock; null before that. */
  get receivedAt(): number | null {
    return this.#follower.receivedAt;
  }

  /** Retries now instead of waiting for the next automatic retry. */
  reconnect(): void {
    this.#follower.reconnect();
  }

  /** While a better transport is tried, two of them deliver: what is older is discarded. */
  #receive(overview: Overview): void {
    const known = this.getState().overview;
    if (known === null || Date.parse(overview.at) >= Date.parse(known.at)) this.#store.set({ overview, problem: null });
  }
}
