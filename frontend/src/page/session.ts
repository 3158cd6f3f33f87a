// Who is signed in, in this browser: asked at the start, and whenever it may have changed.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Problem } from "../client/index.ts";
import type { components } from "../client/openapi.ts";
import { call, onUnauthenticated } from "./requests.ts";
import { ROOT } from "./routes.ts";

export type Caller = components["schemas"]["Caller"];

const PATH = "v1/access/session";
/** The other tabs of this browser. sign-in.js uses the same name. */
const CHANNEL = "haulage.session";
/** Milliseconds until a refusal is looked into again: another gateway may not know yet that a session has ended. */
const AGAIN = 3_000;
/** Milliseconds between two looks at a session that should have ended, if the clocks differ. */
const LATE = 10_000;
const MAX_TIMEOUT = 2 ** 31 - 1;

export interface Session {
  /** Undefined until the server has said it. */
  caller: Caller | undefined;
  /** Whether somebody has to sign in. */
  isSignedOut: boolean;
  /** Whether somebody was signed in on this page before. */
  hasEnded: boolean;
  /** Another number for each session: what an earlier one has loaded is to be loaded again. */
  generation: number;
  signOut(): Promise<Problem | null>;
}

export function useSession(): Session {
  const [caller, setCaller] = useState<Caller>();
  const [generation, setGeneration] = useState(0);
  /** Who was signed in last. */
  const last = useRef<Caller>(undefined);
  const request = useRef<AbortController>(undefined);

  const check = useCallback(async () => {
    request.current?.abort();
    request.current = new AbortController();
    const outcome = await call<Caller>("GET", PATH, { signal: request.current.signal, send: fetch });
    const next = outcome.ok ? outcome.value : outcome.problem.status === 401 ? REFUSED_BY_PROXY : null;
    if (next === null) return; // unreachable, which the page shows elsewhere
    const before = last.current;
    if (next.user !== null) last.current = next;
    if (before && next.user !== null && next.user !== before.user) return window.location.reload();
    setCaller(next);
    if (before && next.user !== null && next.expiresAt !== before.expiresAt) setGeneration((count) => count + 1);
  }, []);

  useEffect(() => {
    const ended = new AbortController();
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = check;
    const onVisible = () => void (document.visibilityState === "visible" && check());
    document.addEventListener("visibilitychange", onVisible, { signal: ended.signal });
    let timer: ReturnType<typeof setTimeout>;
    const stop = onUnauthenticated(() => {
      void check();
      clearTimeout(timer);
      timer = setTimeout(check, AGAIN);
    });
    void check();
    return () => {
      ended.abort();
      channel.close();
      stop();
      clearTimeout(timer);
      request.current?.abort();
    };
  }, [check]);

  useEffect(() => {
    if (!caller?.user || !caller.expiresAt) return;
    const left = Date.parse(caller.expiresAt) - Date.now();
    const timer = setTimeout(check, Math.min(MAX_TIMEOUT, left > 0 ? left + 500 : LATE));
    return () => clearTimeout(timer);
  }, [caller, check]);

  const signOut = useCallback(async () => {
    const outcome = await call("DELETE", PATH);
    if (!outcome.ok) return outcome.problem;
    announceSession();
    window.location.assign(ROOT);
    return null;
  }, []);
  const isSignedOut = caller?.mode === "required" && caller.user === null;
  return { caller, isSignedOut, hasEnded: last.current !== undefined, generation, signOut };
}

/** Tells the other tabs of this browser that somebody has signed in or out. */
export function announceSession(): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(null);
  channel.close();
}

/** A reverse proxy that signs users in has answered itself. */
const REFUSED_BY_PROXY: Caller = {
  mode: "required",
  user: null,
  signIn: { provider: null, proxy: true },
  role: null,
  scopes: [],
  groups: [],
  proof: null,
  expiresAt: null,
};
