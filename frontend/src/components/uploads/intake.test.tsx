// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { type ChosenFile, droppedSources, inputFiles, readAll } from "./chosen.ts";
import { useFileDrop } from "./useFileDrop.ts";
import { useIntake } from "./useIntake.ts";

afterEach(cleanup);

const file = (name: string) => new File(["x"], name);
const fileEntry = (name: string, fails = false) => ({
  name,
  isFile: true,
  file: (resolve: (file: File) => void, reject: (why: unknown) => void) =>
    fails ? reject(new Error("not readable")) : resolve(file(name)),
});
/** As browsers without handles give a folder: its entries come in several portions. */
const folderEntry = (name: string, portions: unknown[][]) => ({
  name,
  isFile: false,
  isDirectory: true,
  createReader: () => {
    const left = [...portions];
    return { readEntries: (resolve: (entries: unknown[]) => void) => resolve(left.shift() ?? []) };
  },
});
const fileHandle = (name: string) => ({ kind: "file", name, getFile: async () => file(name) });
const folderHandle = (name: string, inside: unknown[]) => ({
  kind: "directory",
  name,
  values: async function* () {
    yield* inside;
  },
});
const dropped = (entry: unknown, handle?: unknown) =>
  ({
    kind: "file",
    getAsFile: () => null,
    webkitGetAsEntry: () => entry,
    ...(handle === undefined ? {} : { getAsFileSystemHandle: async () => handle }),
  }) as unknown as DataTransferItem;

async function found(...items: DataTransferItem[]) {
  const all = [];
  for await (const some of readAll(droppedSources(items))) all.push(...some);
  return all;
}

test("a folder is read to its end, and its files are named from it on", async () => {
  const folder = folderEntry("photos", [
    [fileEntry("a.jpg"), folderEntry("sea", [[fileEntry("b.jpg")]])],
    [fileEntry("c.jpg")],
  ]);
  const names = (await found(dropped(folder), dropped(fileEntry("d.txt")))).map((one) => "name" in one && one.name);
  expect(names).toEqual(["photos/a.jpg", "photos/sea/b.jpg", "photos/c.jpg", "d.txt"]);
});

test("where there are handles each file has its own", async () => {
  const handle = fileHandle("a.jpg");
  const [one] = await found(dropped({ isDirectory: true }, folderHandle("photos", [handle])));
  expect(one).toMatchObject({ name: "photos/a.jpg", handle });
});

test("many files of a folder are read at once, in their order, and a dropped file is not read again", async () => {
  let [reading, most] = [0, 0];
  const slow = (name: string) => ({
    ...fileHandle(name),
    async getFile() {
      reading += 1;
      most = Math.max(most, reading);
      await new Promise((resolve) => setTimeout(resolve));
      reading -= 1;
      return file(name);
    },
  });
  const names = Array.from({ length: 150 }, (_, number) => `${number}.jpg`);
  const inside = [...names.map(slow), folderHandle("sea", [slow("wave.jpg")]), slow("last.jpg")];
  const image = file("image.png");
  const handle = { ...fileHandle("image.png"), getFile: () => Promise.reject(new Error("not again")) };
  const all = await found(dropped({ isDirectory: true }, folderHandle("photos", inside)), {
    ...dropped({ isFile: true }, handle),
    getAsFile: () => image,
  });
  expect(all.map((one) => "name" in one && one.name)).toEqual([
    ...names.map((name) => `photos/${name}`),
    "photos/sea/wave.jpg",
    "photos/last.jpg",
    "image.png",
  ]);
  expect(all.at(-1)).toMatchObject({ file: image, handle });
  expect(most).toBe(64);
});

test("an item without a handle is read in the other way", async () => {
  expect(await found(dropped(fileEntry("a.txt"), null))).toMatchObject([{ name: "a.txt" }]);
});

test("files of a folder that was chosen keep its name", () => {
  const inside = Object.defineProperty(file("a.txt"), "webkitRelativePath", { value: "docs/a.txt" });
  expect(inputFiles([inside, file("b.txt")]).map(({ name }) => name)).toEqual(["docs/a.txt", "b.txt"]);
});

test("what can't be read is named, and the rest is added", async () => {
  const added: ChosenFile[] = [];
  const { result } = renderHook(() =>
    useIntake(
      (files) => added.push(...files),
      () => {},
    ),
  );
  const folder = folderEntry("photos", [[fileEntry("a.jpg"), fileEntry("secret.jpg", true)]]);
  await act(() => result.current.take(droppedSources([dropped(folder)])));
  expect(added.map(({ name }) => name)).toEqual(["photos/a.jpg"]);
  expect(result.current).toMatchObject({ reading: null, unreadable: { names: ["photos/secret.jpg"], count: 1 } });
});

test("files of a large folder are added while it is read, and an empty folder is reported", async () => {
  const batches: number[] = [];
  const ends: number[] = [];
  const { result } = renderHook(() =>
    useIntake(
      (files) => batches.push(files.length),
      (count) => ends.push(count),
    ),
  );
  const inside = Array.from({ length: 450 }, (_, n) => fileEntry(`${n}`));
  await act(() => result.current.take(droppedSources([dropped(folderEntry("photos", [inside]))])));
  expect(batches).toEqual([256, 194]);
  expect(ends).toEqual([450]); // so that it is announced once
  await act(() => result.current.take(droppedSources([dropped(folderEntry("empty", []))])));
  expect(result.current.isEmpty).toBe(true);
  expect(ends).toHaveLength(1);
});

test.each([true, false])("a dropped file does not replace the page, also if it may not be uploaded", (enabled) => {
  let drops = 0;
  renderHook(() =>
    useFileDrop(enabled, () => {
      drops += 1;
    }),
  );
  const event = Object.assign(new Event("drop", { cancelable: true }), {
    dataTransfer: { types: ["Files"], items: [] },
  });
  act(() => void window.dispatchEvent(event));
  expect(event.defaultPrevented).toBe(true);
  expect(drops).toBe(enabled ? 1 : 0);
});
