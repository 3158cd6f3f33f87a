// Transport: WebSocket at `/v1/download/subscribe`. Jobs are added and removed on one connection.
import { disconnectOf, jittered } from "./backoff.ts";
import { problem } from "./problems.ts";
import {
  type ErrorMessage,
  parseMessage,
  type Transport,
  type TransportConnection,
  type TransportContext,
  type TransportHandlers,
} from "./transports.ts";

const SUBPROTOCOL = "haulage.v1";
const OPEN = 1;

export const webSocketTransport: Transport = { name: "live", capacity: 100, open };

function open(
  { baseUrl, environment, requestSince }: TransportContext,
  handlers: TransportHandlers,
): TransportConnection {
  const { clock, random } = environment;
  const socket = environment.webSocket(`${baseUrl.replace(/^http/, "ws")}/v1/download/subscribe`, SUBPROTOCOL);
  let wanted: readonly string[] = [];
  let followed = new Set<string>();
  let probes = 0;

  socket.onopen = reconcile;
  socket.onmessage = ({ data }) => {
    const message = parseMessage(data);
    if (message === null || message.type === "error") handlers.alive();
    if (message?.type === "error") handleError(message);
    else if (message !== null) handlers.update(message);
  };
  socket.onclose = ({ code }) => handlers.lost(disconnectOf(code));

  /** Sends the difference between the followed and the wanted jobs, once the socket is open. */
  function reconcile(): void {
    if (socket.readyState !== OPEN) return;
    const before = followed;
    followed = new Set(wanted);
    const removed = [...before].filter((job) => !followed.has(job));
    if (removed.length > 0) send({ type: "unfollow", jobs: removed });
    follow(wanted.filter((job) => !before.has(job)));
  }

  function follow(jobs: string[]): void {
    if (jobs.length > 0) send({ type: "follow", jobs: jobs.map((jobId) => ({ jobId, since: requestSince(jobId) })) });
  }

  function send(message: object): void {
    if (socket.readyState === OPEN) socket.send(JSON.stringify(message));
  }

  function handleError({ error, message, jobId }: ErrorMessage): void {
    if (jobId === null) return;
    if (error === "job_not_found") handlers.reject(jobId, problem(error, { status: 404, message }));
    else clock.setTimeout(() => refetch(jobId), jittered([2, 10], random)); // the database is unavailable
  }

  function refetch(jobId: string): void {
    if (followed.has(jobId)) follow([jobId]);
  }

  return {
    sync(jobIds) {
      wanted = jobIds;
      reconcile();
    },
    refetch,
    /** The server always responds to `follow`, so requesting a job again shows that it is alive. Jobs take turns. */
    probe() {
      probes += 1;
      refetch(wanted[probes % wanted.length] ?? "");
    },
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}
