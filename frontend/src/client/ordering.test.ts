import { describe, expect, test } from "vitest";
import { Position } from "./ordering.ts";

const at = (seq: number, tick: number, since = seq - 1) => ({ seq, tick, since });

describe("the order of messages", () => {
  test("what goes on is taken, what was seen is dropped", () => {
    const position = new Position();
    expect(position.accept(at(1, 0))).toBe("next");
    expect(position.accept(at(1, 0))).toBe("stale");
    expect(position.accept(at(1, 1))).toBe("next");
    expect(position.accept(at(2, 0))).toBe("next");
    expect(position.accept(at(1, 9))).toBe("stale");
    expect(position.seq).toBe(2);
  });

  test("a message after a hole is a gap, until the hole is filled", () => {
    const position = new Position();
    position.accept(at(1, 0));
    expect(position.accept(at(5, 0))).toBe("gap");
    expect(position.seq).toBe(1);
    expect(position.accept(at(5, 0, 1))).toBe("next");
  });

  test("a first answer that tells of less than was asked from replaces everything", () => {
    const position = new Position();
    position.accept(at(9, 3, 0));
    expect(position.accept(at(4, 0, 0))).toBe("stale");
    expect(position.accept(at(4, 0, 0), 9)).toBe("reset");
    expect(position.seq).toBe(4);
    expect(position.accept(at(4, 1, 3))).toBe("next");
  });

  test("a message that began before what was asked from, and goes further, goes on", () => {
    const position = new Position();
    position.accept(at(9, 3, 0));
    expect(position.accept(at(10, 0, 4), 9)).toBe("next");
  });

  test("the answer that says the same again is old, not anew", () => {
    const position = new Position();
    position.accept(at(9, 3, 0));
    expect(position.accept(at(9, 3, 9), 9)).toBe("stale");
  });
});
