import { expect, test } from "vitest";
import type { UploadItem } from "../../uploads/index.ts";
import { matchFiles } from "./matching.ts";

function item(name: string, lastModified: number): UploadItem {
  return { key: name, name, size: 3, lastModified, state: "needs-file", bytesSent: 0 };
}

function chosen(name: string, lastModified: number, content = "abc") {
  return { name, file: new File([content], name.slice(name.lastIndexOf("/") + 1), { lastModified }) };
}

function matched(items: readonly UploadItem[], ...files: ReturnType<typeof chosen>[]): (string | number)[][] {
  return matchFiles(items, files).map(({ key, file }) => [key, file.lastModified]);
}

test("a file continues the upload of its size and name, in whatever folder that is", () => {
  const items = [item("photos/a.jpg", 1), item("b.jpg", 2)];
  expect(matched(items, chosen("a.jpg", 5), chosen("b.jpg", 2), chosen("c.jpg", 1))).toEqual([
    ["photos/a.jpg", 5],
    ["b.jpg", 2],
  ]);
  expect(matched(items, chosen("a.jpg", 1, "longer"))).toEqual([]);
});

test("of files with one name the time or the folder decides, and each upload gets one file", () => {
  const items = [item("photos/a/x.jpg", 1), item("photos/b/x.jpg", 2)];
  expect(matched(items, chosen("x.jpg", 2), chosen("x.jpg", 2))).toEqual([
    ["photos/b/x.jpg", 2],
    ["photos/a/x.jpg", 2],
  ]);
  expect(matched(items, chosen("x.jpg", 1), chosen("x.jpg", 2))).toEqual([
    ["photos/a/x.jpg", 1],
    ["photos/b/x.jpg", 2],
  ]);
  expect(matched(items, chosen("b/x.jpg", 7))).toEqual([["photos/b/x.jpg", 7]]);
});

test("a file that may be one of several is left out", () => {
  const items = [item("photos/a/x.jpg", 1), item("photos/b/x.jpg", 1)];
  expect(matched(items, chosen("x.jpg", 1), chosen("x.jpg", 3))).toEqual([]);
});
