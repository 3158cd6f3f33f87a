// The token of a client: loaded when it is needed, renewed before it expires, and replaced once when it was refused.
import type { Clock } from "../client/environment.ts";
import { claimsOf } from "./claims.ts";

/** Null if nobody is signed in any more. */
export type Token = string | null;

/**
 * An API key, a JWT of an issuer, or a grant; or a function that returns the newest one. It is called again when the last
 * one nears its expiry or was refused. If it throws, the server counts as unreachable, and it is called again later.
 */
export type TokenSource = string | (() => Token | Promise<Token>);

export interface Tokens {
  /** The last token that was loaded; null before that, and after the access has ended. */
  readonly current: Token;
  /** Whether access has ended: the last token was refused, or there is none. */
  readonly signedOut: boolean;
  /** The token to send. Loads or renews it if necessary; null if access has ended. Rejects if there is none yet. */
  get(): Promise<Token>;
  /** Loads a new token, once for all who call meanwhile. Rejects if the function throws. */
  renew(): Promise<void>;
  /** The server has accepted this token. */
  accepted(token: Token): void;
  /** The server has refused this token. Returns whether there is another one to try. Rejects as `renew` does. */
  replace(refused: Token): Promise<boolean>;
  /** Calls the listener with each new token. Returns the function that unsubscribes. */
  subscribe(listener: () => void): () => void;
}

/** Milliseconds before the expiry of a token in which it is renewed. */
const MARGIN = 10_000;

/** `onSignedOut` is called once: when the token was refused, and so was the next one, or there is none. */
export function createTokens(source: TokenSource, clock: Clock, onSignedOut: () => void): Tokens {
  const listeners = new Set<() => void>();
  let current: Token = null;
  let renewAt = 0;
  let loading: Promise<void> | null = null;
  /** The current token replaced one that was refused, and the server has not accepted it yet. */
  let replaced = false;
  let signedOut = false;

  function end(): void {
    signedOut = true;
    current = null;
    onSignedOut();
  }

  async function load(): Promise<void> {
    const token = typeof source === "function" ? await source() : source;
    if (signedOut) return;
    if (!token) return end();
    // A token that seems to have expired already shows that this clock is wrong: the server decides.
    const due = 1000 * (claimsOf(token).exp ?? 0) - MARGIN;
    renewAt = due > clock.now() ? due : Number.POSITIVE_INFINITY;
    if (token === current) return;
    const isFirst = current === null;
    current = token;
    if (!isFirst) for (const listener of [...listeners]) listener();
  }

  function renew(): Promise<void> {
    loading ??= load().finally(() => {
      loading = null;
    });
    return loading;
  }

  return {
    get current() {
      return current;
    },
    get signedOut() {
      return signedOut;
    },
    async get() {
      if (!signedOut && clock.now() >= renewAt) {
        await renew().catch((error) => {
          if (current === null) throw error;
        });
      }
      return current;
    },
    renew,
    accepted(token) {
      if (token === current) replaced = false;
    },
    async replace(refused) {
      if (refused === current && !signedOut) {
        if (replaced) end();
        else await renew();
        replaced = true;
        if (refused === current) end();
      }
      return !signedOut;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
