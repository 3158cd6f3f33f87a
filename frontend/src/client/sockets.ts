// Following by WebSocket: `/v1/download/subscribe`, which carries jobs that come and go.
import { lossOf, within } from "./pauses.ts";
import { problem } from "./problems.ts";
import type { Timer } from "./surroundings.ts";
import { type ErrorMessage, isLast, type Line, type Means, read, type Sink, type Way } from "./ways.ts";

const SUBPROTOCOL = "haulage.v1";

export const sockets: Way = { name: "live", capacity: 100, open: (means, sink) => new SocketLine(means, sink) };

class SocketLine implements Line {
  readonly #means: Means;
  readonly #sink: Sink;
  readonly #socket: WebSocket;
  #wanted: readonly string[] = [];
  #followed = new Set<string>();
  #timers: Timer[] = [];
  #probed = 0;

  constructor(means: Means, sink: Sink) {
    this.#means = means;
    this.#sink = sink;
    this.#socket = means.surroundings.socket(address(means.baseUrl), SUBPROTOCOL);
    this.#socket.onopen = () => this.#settle();
    this.#socket.onmessage = ({ data }) => this.#heard(String(data));
    this.#socket.onclose = ({ code }) => {
      this.close();
      this.#sink.lost(lossOf(code));
    };
  }

  sync(jobIds: readonly string[]): void {
    this.#wanted = jobIds;
    this.#settle();
  }

  again(jobId: string): void {
    if (this.#followed.has(jobId)) this.#follow([jobId]);
  }

  /** A question is always answered, so asking again for one job shows whether there is anybody. Each job in turn. */
  probe(): void {
    const jobs = [...this.#followed];
    const job = jobs[this.#probed++ % jobs.length];
    if (job !== undefined) this.#follow([job]);
  }

  close(): void {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    for (const timer of this.#timers) this.#means.surroundings.clock.clearTimeout(timer);
    socket.close();
  }

  /** Makes what is followed what is wanted, as soon as the socket is open. */
  #settle(): void {
    if (this.#socket.readyState !== 1) return;
    const [before, after] = [this.#followed, new Set(this.#wanted)];
    this.#followed = after;
    const dropped = [...before].filter((job) => !after.has(job));
    if (dropped.length > 0) this.#say({ type: "unfollow", jobs: dropped });
    this.#follow([...after].filter((job) => !before.has(job)));
  }

  #follow(jobs: string[]): void {
    if (jobs.length === 0) return;
    this.#say({ type: "follow", jobs: jobs.map((jobId) => ({ jobId, since: this.#means.ask(jobId) })) });
  }

  #say(message: object): void {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #heard(text: string): void {
    const message = read(text);
    if (message === null || message.type === "error") {
      this.#sink.alive();
      if (message !== null) this.#denied(message);
    } else {
      if (isLast(message)) this.#followed.delete(message.jobId); // the server follows it no more
      this.#sink.news(message);
    }
  }

  #denied({ error, message, jobId }: ErrorMessage): void {
    if (jobId === null) return;
    if (error === "job_not_found") return this.#sink.refused(jobId, problem(error, { status: 404, message }));
    const { clock, random } = this.#means.surroundings; // the database is away: ask again in 2 to 10 s
    const timer = clock.setTimeout(() => this.again(jobId), within([2, 10], random));
    this.#timers.push(timer);
  }
}

function address(baseUrl: string): string {
  return `${baseUrl.replace(/^http/, "ws")}/v1/download/subscribe`;
}
