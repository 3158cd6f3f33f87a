// Transport: server-sent events at `/v1/download/stream?jobs=…`. The URL names the jobs, so other jobs need a new stream.
import {
  EVENT_TYPES,
  parseMessage,
  type Transport,
  type TransportConnection,
  type TransportContext,
  type TransportHandlers,
} from "./transports.ts";

const CLOSED = 2;

export const sseTransport: Transport = { name: "sse", capacity: 50, open };

function open(
  { baseUrl, environment, requestSince, unchanged }: TransportContext,
  handlers: TransportHandlers,
): TransportConnection {
  let source: EventSource | undefined;
  let wanted: readonly string[] = [];
  let streamed: readonly string[] = [];
  let proven = false;
  let probes = 0;

  function reopen(): void {
    source?.close();
    streamed = wanted;
    const jobs = wanted.map((job) => `${job}:${requestSince(job)}`).join();
    const opened = environment.eventSource(`${baseUrl}/v1/download/stream?jobs=${jobs}`);
    source = opened;
    for (const type of EVENT_TYPES) opened.addEventListener(type, ({ data }) => receive(data));
    // A response that is not a stream is final. A stream that broke may work the next time.
    opened.onerror = () => handlers.lost({ unusable: opened.readyState === CLOSED });
  }

  function receive(data: string): void {
    const message = parseMessage(data);
    if (message === null || message.type === "error") return;
    proven = true;
    handlers.update(message);
  }

  return {
    /** Jobs that are no longer wanted may stay on the stream: they end, or the next URL leaves them out. */
    sync(jobIds) {
      wanted = jobIds;
      streamed = streamed.filter((job) => wanted.includes(job));
      if (streamed.length < wanted.length) reopen();
    },
    refetch: reopen,
    /**
     * EventSource does not expose keep-alive comments, so one job is polled over HTTP. If that brings changes which the
     * stream did not deliver, something buffers the stream; only an unchanged job proves it alive. Jobs take turns.
     */
    async probe() {
      const probed = source;
      probes += 1;
      const job = wanted[probes % wanted.length];
      if (proven && job !== undefined && (await unchanged(job)) && source === probed) handlers.alive();
    },
    close: () => source?.close(),
  };
}
