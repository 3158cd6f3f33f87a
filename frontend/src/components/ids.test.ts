import { expect, test } from "vitest";
import { parseIds } from "./ids.ts";

test("ids come between spaces, commas, semicolons and lines, each once", () => {
  expect(parseIds(" 10000, 10001;10002\n10003\t10001 ")).toEqual({ ids: [10_000, 10_001, 10_002, 10_003], wrong: [] });
});

test("a range has both its ends", () => {
  expect(parseIds("10000-10003 10005–10006").ids).toEqual([10_000, 10_001, 10_002, 10_003, 10_005, 10_006]);
});

test("what is no id is told as it was written", () => {
  const wrong = ["9999", "100000001", "a", "1e5", "-10000", "10005-10000", "10000-20000"];
  expect(parseIds(`10000 ${wrong.join(" ")} 100000000`)).toEqual({ ids: [10_000, 100_000_000], wrong });
});

test("nothing is no mistake", () => {
  expect(parseIds(" \n,")).toEqual({ ids: [], wrong: [] });
});
