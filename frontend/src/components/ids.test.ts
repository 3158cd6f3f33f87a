import { expect, test } from "vitest";
import { parseIds } from "./ids.ts";

test("ids are separated by spaces, commas, semicolons and lines, and deduplicated", () => {
  expect(parseIds(" 10000, 10001;10002\n10003\t10001 ")).toEqual({
    ids: [10_000, 10_001, 10_002, 10_003],
    invalid: [],
  });
});

test("a range includes both ends", () => {
  expect(parseIds("10000-10003 10005–10006").ids).toEqual([10_000, 10_001, 10_002, 10_003, 10_005, 10_006]);
});

test("invalid tokens are returned as they were written", () => {
  const invalid = ["9999", "100000001", "a", "1e5", "-10000", "10005-10000", "10000-20000"];
  expect(parseIds(`10000 ${invalid.join(" ")} 100000000`)).toEqual({ ids: [10_000, 100_000_000], invalid });
});

test("an empty text is not an error", () => {
  expect(parseIds(" \n,")).toEqual({ ids: [], invalid: [] });
});
