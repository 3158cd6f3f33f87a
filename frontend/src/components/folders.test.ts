import { expect, test } from "vitest";
import { foldersOf } from "./folders.ts";
import { totalOf } from "./useSelection.ts";

const file = (fileId: number, name: string | null, size: number | null = 10) => ({ fileId, name, size });

test("files are grouped by folder, those without one first, and keep their order", () => {
  const files = [file(1, "b/2.txt"), file(2, "top.txt"), file(3, "a/c/1.txt"), file(4, "b/1.txt"), file(5, null)];
  expect(foldersOf(files).map(({ name, files: inside }) => [name, inside.map(({ fileId }) => fileId)])).toEqual([
    ["", [2, 5]],
    ["a/c", [3]],
    ["b", [1, 4]],
  ]);
});

test("the total says whether every size is known", () => {
  expect(totalOf([file(1, "a"), file(2, "b", 5)])).toEqual({ bytes: 15, isComplete: true });
  expect(totalOf([file(1, "a"), file(2, null, null)])).toEqual({ bytes: 10, isComplete: false });
});
