// Following by WebSocket: `/v1/download/subscribe`, which carries jobs that come and go.
import { lossOf, within } from "./pauses.ts";
import { problem } from "./problems.ts";
import { type ErrorMessage, type Line, type Means, read, type Sink, type Way } from "./ways.ts";

const SUBPROTOCOL = "haulage.v1";
const OPEN = 1;

export const sockets: Way = { name: "live", capacity: 100, open };

function open({ baseUrl, surroundings, ask }: Means, sink: Sink): Line {
  const { clock, random } = surroundings;
  const socket = surroundings.socket(`${baseUrl.replace(/^http/, "ws")}/v1/download/subscribe`, SUBPROTOCOL);
  let wanted: readonly string[] = [];
  let followed = new Set<string>();
  let probed = 0;

  socket.onopen = settle;
  socket.onmessage = ({ data }) => {
    const message = read(data);
    if (message === null || message.type === "error") sink.alive();
    if (message?.type === "error") denied(message);
    else if (message !== null) sink.news(message);
  };
  socket.onclose = ({ code }) => sink.lost(lossOf(code));

  /** Makes what is followed what is wanted, as soon as the socket is open. */
  function settle(): void {
    if (socket.readyState !== OPEN) return;
    const before = followed;
    followed = new Set(wanted);
    const dropped = [...before].filter((job) => !followed.has(job));
    if (dropped.length > 0) say({ type: "unfollow", jobs: dropped });
    follow(wanted.filter((job) => !before.has(job)));
  }

  function follow(jobs: string[]): void {
    if (jobs.length > 0) say({ type: "follow", jobs: jobs.map((jobId) => ({ jobId, since: ask(jobId) })) });
  }

  function say(message: object): void {
    if (socket.readyState === OPEN) socket.send(JSON.stringify(message));
  }

  function denied({ error, message, jobId }: ErrorMessage): void {
    if (jobId === null) return;
    if (error === "job_not_found") sink.refused(jobId, problem(error, { status: 404, message }));
    else clock.setTimeout(() => again(jobId), within([2, 10], random)); // the database is away
  }

  function again(jobId: string): void {
    if (followed.has(jobId)) follow([jobId]);
  }

  return {
    sync(jobIds) {
      wanted = jobIds;
      settle();
    },
    again,
    /** A question is always answered, so asking again for a job shows whether there is anybody. Each job in turn. */
    probe() {
      probed += 1;
      again(wanted[probed % wanted.length] ?? "");
    },
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}
