// Following by server-sent events: `/v1/download/stream?jobs=…`. Its address says which jobs, so other jobs need another one.
import { isLast, type Line, type Means, read, type Sink, TYPES, type Way } from "./ways.ts";

export const streams: Way = { name: "sse", capacity: 50, open: (means, sink) => new StreamLine(means, sink) };

class StreamLine implements Line {
  readonly #means: Means;
  readonly #sink: Sink;
  #source: EventSource | null = null;
  #wanted: readonly string[] = [];
  #carried: Set<string> = new Set();
  #proven = false;
  #probed = 0;

  constructor(means: Means, sink: Sink) {
    this.#means = means;
    this.#sink = sink;
  }

  /** A job that is wanted no more may stay on the stream: it ends, or the next address leaves it out. */
  sync(jobIds: readonly string[]): void {
    this.#wanted = jobIds;
    this.#carried = new Set(jobIds.filter((job) => this.#carried.has(job)));
    if (this.#carried.size < jobIds.length) this.#open();
  }

  again(): void {
    this.#open();
  }

  /**
   * A stream shows no signs of life to a page, so one job is asked for otherwise: if there are news that the stream did
   * not bring, it is held back somewhere. It counts as alive only when the question brings nothing new.
   */
  async probe(): Promise<void> {
    const jobId = this.#wanted[this.#probed++ % this.#wanted.length];
    const source = this.#source;
    if (!this.#proven || jobId === undefined) return;
    const brought = await this.#means.look(jobId);
    if (brought === "nothing" && source === this.#source) this.#sink.alive();
  }

  close(): void {
    this.#source?.close();
    this.#source = null;
  }

  #open(): void {
    this.close();
    this.#carried = new Set(this.#wanted);
    const jobs = this.#wanted.map((job) => `${job}:${this.#means.ask(job)}`).join(",");
    const source = this.#means.surroundings.stream(`${this.#means.baseUrl}/v1/download/stream?jobs=${jobs}`);
    this.#source = source;
    for (const type of TYPES) source.addEventListener(type, ({ data }) => this.#heard(data));
    source.onerror = () => {
      const useless = source.readyState === 2; // answered with something else than a stream
      this.close();
      this.#sink.lost({ useless, reached: this.#proven });
    };
  }

  #heard(data: string): void {
    const message = read(data);
    if (message === null || message.type === "error") return this.#sink.alive();
    this.#proven = true;
    if (isLast(message)) this.#carried.delete(message.jobId);
    this.#sink.news(message);
  }
}
