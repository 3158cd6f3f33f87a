// The topic `operator`, over the transports by which jobs are followed: WebSocket, event stream, polling.
import { disconnectOf, jittered } from "../client/backoff.ts";
import type { Timer } from "../client/environment.ts";
import type { Transports } from "../client/follower.ts";
import type { Problem } from "../client/problems.ts";
import type { Transport, TransportConnection } from "../client/transports.ts";
import type { Overview } from "./schemas.ts";

/** Stands for the topic where a follower of jobs has their ids. */
export const TOPIC = "operator";
export const OVERVIEW = "/v1/operator/overview";
const SUBPROTOCOL = "haulage.v1";
const OPEN = 1;
const CLOSED = 2;
const INTERVAL = 2_000; // milliseconds
const HIDDEN_INTERVAL = 10_000; // milliseconds, while the page is hidden

interface OperatorMessage {
  type: string;
  error?: string;
  overview?: Overview;
}

/** Each calls `receive` with what arrives, and reports signs of life as the transports of jobs do. */
export function operatorTransports(receive: (overview: Overview) => void): Transports {
  const webSocket: Transport = {
    name: "live",
    capacity: 1,
    open({ baseUrl, environment }, handlers) {
      const { clock, random } = environment;
      const socket = environment.webSocket(`${baseUrl.replace(/^http/, "ws")}/v1/download/subscribe`, SUBPROTOCOL);
      const watch = () => {
        if (socket.readyState === OPEN) socket.send(JSON.stringify({ type: "watch", topic: TOPIC }));
      };
      socket.onopen = watch;
      socket.onmessage = ({ data }) => {
        const message = parsed(data);
        if (message?.type === "error") {
          // Of a gateway that does not know the topic, or because of a missing right: that stays.
          if (message.error !== "database_unavailable") return handlers.lost({ permanent: true });
          clock.setTimeout(watch, jittered([2, 10], random));
        }
        if (message?.type === TOPIC && message.overview) receive(message.overview);
        if (message !== null) handlers.alive();
      };
      socket.onclose = ({ code }) => handlers.lost(disconnectOf(code));
      return connection({
        /** The server responds with the overview each time. */
        probe: watch,
        close() {
          socket.onopen = socket.onmessage = socket.onclose = null;
          socket.close();
        },
      });
    },
  };

  const eventStream: Transport = {
    name: "sse",
    capacity: 1,
    open({ baseUrl, environment, request }, handlers) {
      const source = environment.eventSource(`${baseUrl}/v1/operator/stream`);
      let streamed: string | null = null;
      source.addEventListener(TOPIC, ({ data }) => {
        const message = parsed(data);
        if (!message?.overview) return;
        streamed = shownBy(message.overview);
        receive(message.overview);
        handlers.alive();
      });
      source.onerror = () => handlers.lost({ unusable: source.readyState === CLOSED });
      return connection({
        /**
         * EventSource hides comments. If a request returns what the stream has delivered, nothing was to be sent; else the
         * stream delivers it before long, or something buffers it.
         */
        async probe() {
          const outcome = await request<Overview>("GET", OVERVIEW, { fresh: true });
          if (outcome.ok && streamed === shownBy(outcome.value)) handlers.alive();
        },
        close: () => source.close(),
      });
    },
  };

  const polling: Transport = {
    name: "polling",
    capacity: 1,
    open({ environment, request }, handlers) {
      const { clock, presence } = environment;
      const abort = new AbortController();
      const { signal } = abort;
      let timer: Timer;
      let polling = false;
      const poll = async () => {
        clock.clearTimeout(timer);
        if (polling) return;
        polling = true;
        const outcome = await request<Overview>("GET", OVERVIEW, { signal });
        polling = false;
        if (signal.aborted) return;
        if (outcome.ok) {
          receive(outcome.value);
          handlers.alive();
        } else if (isRefusal(outcome.problem)) {
          handlers.reject(TOPIC, outcome.problem);
        } else {
          const { retryAfter, status } = outcome.problem;
          const delay = retryAfter === null ? undefined : ([retryAfter, 1.5 * retryAfter + 0.5] as const);
          return handlers.lost({ reached: status !== null, delay });
        }
        timer = clock.setTimeout(poll, presence.visible() ? INTERVAL : HIDDEN_INTERVAL);
      };
      void poll();
      return connection({
        probe: () => void poll(),
        close() {
          abort.abort();
          clock.clearTimeout(timer);
        },
      });
    },
  };

  return [webSocket, eventStream, polling];
}

/** What the server compares to decide whether an overview has changed: all but when it was found. */
function shownBy(overview: Overview): string {
  return JSON.stringify(overview, (key, value) => (key === "at" || key === "latencyMs" ? undefined : value));
}

/** There is one topic, which no connection adds or removes. */
function connection(own: Pick<TransportConnection, "probe" | "close">): TransportConnection {
  return { sync() {}, refetch() {}, ...own };
}

/** A client error that a Haulage server returned, which another request would get again. */
function isRefusal({ code, status }: Problem): boolean {
  return status !== null && status < 500 && status !== 429 && code !== "unexpected_response";
}

function parsed(text: string): OperatorMessage | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
