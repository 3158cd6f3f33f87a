// Following by server-sent events: `/v1/download/stream?jobs=…`. Its address says which jobs, so other jobs need another.
import { type Line, type Means, read, type Sink, TYPES, type Way } from "./ways.ts";

const CLOSED = 2;

export const streams: Way = { name: "sse", capacity: 50, open };

function open({ baseUrl, surroundings, ask, look }: Means, sink: Sink): Line {
  let source: EventSource | undefined;
  let wanted: readonly string[] = [];
  let carried: readonly string[] = [];
  let proven = false;
  let probed = 0;

  function again(): void {
    source?.close();
    carried = wanted;
    const jobs = wanted.map((job) => `${job}:${ask(job)}`).join();
    const opened = surroundings.stream(`${baseUrl}/v1/download/stream?jobs=${jobs}`);
    source = opened;
    for (const type of TYPES) opened.addEventListener(type, ({ data }) => heard(data));
    // What was answered with something else than a stream is no use; what broke off may be.
    opened.onerror = () => sink.lost({ useless: opened.readyState === CLOSED });
  }

  function heard(data: string): void {
    const message = read(data);
    if (message === null || message.type === "error") return;
    proven = true;
    sink.news(message);
  }

  return {
    /** A job that is wanted no more may stay on the stream: it ends, or the next address leaves it out. */
    sync(jobIds) {
      wanted = jobIds;
      carried = carried.filter((job) => wanted.includes(job));
      if (carried.length < wanted.length) again();
    },
    again,
    /**
     * A stream shows a page no signs of life, so one job is asked for beside it: if there are news that the stream did not
     * bring, it is held back somewhere. Only a question that brings nothing new speaks for it. Each job in turn.
     */
    async probe() {
      const probing = source;
      probed += 1;
      const job = wanted[probed % wanted.length];
      if (proven && job !== undefined && (await look(job)) === "nothing" && source === probing) sink.alive();
    },
    close: () => source?.close(),
  };
}
