// The order of messages (docs/protocol.md, "Order"): the same rule whichever way a message came.
import type { Event } from "./schemas.ts";

/** `old`: says nothing new. `gap`: something before it is missing. `next`: goes on. `anew`: replaces all there was. */
export type Verdict = "old" | "gap" | "next" | "anew";

/** How far a client is in one job: `(seq, tick)`. */
export class Place {
  seq = 0;
  #tick = -1;

  /**
   * What to do with a message; one that is taken is what the client then has. `asked`: the `seq` that was asked from, if
   * this is the first message that came back on the same connection.
   */
  judge(event: Pick<Event, "since" | "seq" | "tick">, asked = 0): Verdict {
    const verdict = this.#verdict(event, asked);
    if (verdict === "next" || verdict === "anew") {
      this.seq = event.seq;
      this.#tick = event.tick;
    }
    return verdict;
  }

  #verdict({ since, seq, tick }: Pick<Event, "since" | "seq" | "tick">, asked: number): Verdict {
    // The answer tells of less than was asked from: the database was restored from a backup.
    if (since < asked && seq < asked) return "anew";
    if (seq < this.seq || (seq === this.seq && tick <= this.#tick)) return "old";
    return since > this.seq ? "gap" : "next";
  }
}
