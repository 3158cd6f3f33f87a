import { describe, expect, test } from "vitest";
import { Position } from "./ordering.ts";

const at = (seq: number, tick: number, since = seq - 1) => ({ seq, tick, since });

describe("the order of events", () => {
  test("an event that continues is next, a known one is stale", () => {
    const position = new Position();
    expect(position.accept(at(1, 0))).toBe("next");
    expect(position.accept(at(1, 0))).toBe("stale");
    expect(position.accept(at(1, 1))).toBe("next");
    expect(position.accept(at(2, 0))).toBe("next");
    expect(position.accept(at(1, 9))).toBe("stale");
    expect(position.seq).toBe(2);
  });

  test("an event after missing ones is a gap, until they arrive", () => {
    const position = new Position();
    position.accept(at(1, 0));
    expect(position.accept(at(5, 0))).toBe("gap");
    expect(position.seq).toBe(1);
    expect(position.accept(at(5, 0, 1))).toBe("next");
  });

  test("a first event behind the requested seq resets the job", () => {
    const position = new Position();
    position.accept(at(9, 3, 0));
    expect(position.accept(at(4, 0, 0))).toBe("stale");
    expect(position.accept(at(4, 0, 0), 9)).toBe("reset");
    expect(position.seq).toBe(4);
    expect(position.accept(at(4, 1, 3))).toBe("next");
  });

  test("an event that starts before the requested seq and ends after it is next", () => {
    const position = new Position();
    position.accept(at(9, 3, 0));
    expect(position.accept(at(10, 0, 4), 9)).toBe("next");
  });

  test("a first event equal to the known state is stale, not a reset", () => {
    const position = new Position();
    position.accept(at(9, 3, 0));
    expect(position.accept(at(9, 3, 9), 9)).toBe("stale");
  });
});
