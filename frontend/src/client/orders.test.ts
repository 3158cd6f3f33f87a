import { describe, expect, test } from "vitest";
import { Place } from "./orders.ts";

const at = (seq: number, tick: number, since = seq - 1) => ({ seq, tick, since });

describe("the order of messages", () => {
  test("what goes on is taken, what was seen is dropped", () => {
    const place = new Place();
    expect(place.judge(at(1, 0))).toBe("next");
    expect(place.judge(at(1, 0))).toBe("old");
    expect(place.judge(at(1, 1))).toBe("next");
    expect(place.judge(at(2, 0))).toBe("next");
    expect(place.judge(at(1, 9))).toBe("old");
    expect(place.seq).toBe(2);
  });

  test("a message after a hole is a gap, until the hole is filled", () => {
    const place = new Place();
    place.judge(at(1, 0));
    expect(place.judge(at(5, 0))).toBe("gap");
    expect(place.seq).toBe(1);
    expect(place.judge(at(5, 0, 1))).toBe("next");
  });

  test("a first answer that tells of less than was asked from replaces everything", () => {
    const place = new Place();
    place.judge(at(9, 3, 0));
    expect(place.judge(at(4, 0, 0))).toBe("old");
    expect(place.judge(at(4, 0, 0), 9)).toBe("anew");
    expect(place.seq).toBe(4);
    expect(place.judge(at(4, 1, 3))).toBe("next");
  });

  test("a message that began before what was asked from, and goes further, goes on", () => {
    const place = new Place();
    place.judge(at(9, 3, 0));
    expect(place.judge(at(10, 0, 4), 9)).toBe("next");
  });

  test("the answer that says the same again is old, not anew", () => {
    const place = new Place();
    place.judge(at(9, 3, 0));
    expect(place.judge(at(9, 3, 9), 9)).toBe("old");
  });
});
