// The order of events (docs/protocol.md, "Order"): the same rule for every transport.
import type { Event } from "./schemas.ts";

/** `stale`: nothing new. `gap`: an earlier event is missing. `next`: continues. `reset`: replaces all known state. */
export type Verdict = "stale" | "gap" | "next" | "reset";

/** The last `(seq, tick)` that the client has of one job. */
export class Position {
  seq = 0;
  #tick = -1;

  /**
   * Classifies an event, and moves to it if it is `next` or `reset`. `requestedSince` is the `since` that was requested,
   * if this is the first event of the job on its connection.
   */
  accept(event: Pick<Event, "since" | "seq" | "tick">, requestedSince = 0): Verdict {
    const verdict = this.#classify(event, requestedSince);
    if (verdict === "next" || verdict === "reset") {
      this.seq = event.seq;
      this.#tick = event.tick;
    }
    return verdict;
  }

  #classify({ since, seq, tick }: Pick<Event, "since" | "seq" | "tick">, requestedSince: number): Verdict {
    // The server is behind what was requested: its database was restored from a backup.
    if (since < requestedSince && seq < requestedSince) return "reset";
    if (seq < this.seq || (seq === this.seq && tick <= this.#tick)) return "stale";
    return since > this.seq ? "gap" : "next";
  }
}
