import { expect, test } from "vitest";
import { A, B } from "../../testing/environment.ts";
import { job } from "../../testing/jobs.ts";
import type { UploadItem } from "../../uploads/index.ts";
import { announcedAgain, announcementOf } from "./announcements.ts";
import { type ListedUpload, otherRow, rowsOf } from "./rows.ts";
import { totalsOf } from "./totals.ts";

function item(key: string, more: Partial<UploadItem> = {}): UploadItem {
  return { key, name: `${key}.txt`, size: 100, lastModified: 0, state: "sending", bytesSent: 50, ...more };
}

function listed(jobId: string, more: Partial<ListedUpload> = {}): ListedUpload {
  const upload = { name: "listed.txt", size: 200, fileId: null } as ListedUpload["upload"];
  return {
    jobId,
    status: "receiving",
    upload,
    percent: 25,
    createdAt: "2026-11-21T12:00:00Z",
    finishedAt: null,
    finding: null,
    processing: null,
    thumbnailId: null,
    links: {} as ListedUpload["links"],
    ...more,
  };
}

test("uploads of this page and of other devices are rows of one list", () => {
  const rows = rowsOf([item("k", { jobId: A })], [otherRow(listed(B), undefined)]);
  expect(rows.map(({ key, state, percent }) => [key, state, percent])).toEqual([
    ["k", "sending", 50],
    [B, "elsewhere", 25],
  ]);
});

test("an upload of another device is as the follower says, not as it was when it was listed", () => {
  const upload = listed(B);
  const live = job({ jobId: B, status: "processing", percent: 40 });
  const row = otherRow(upload, live);
  expect(row).toMatchObject({ state: "checking", isManaged: false });
  expect(otherRow(upload, live)).toBe(row);
  expect(otherRow(upload, { ...live, status: "completed" })).not.toBe(row);
});

test("one that the manager knows only from the server is not one of this page", () => {
  const left = item(A, { jobId: A, state: "needs-file", isElsewhere: true });
  expect(rowsOf([left], [])[0]).toMatchObject({ state: "elsewhere", isManaged: true });
  expect(totalsOf([left])).toMatchObject({ active: 0, percent: null, bytesTotal: 0 });
  expect(totalsOf([item(A, { jobId: A })])).toMatchObject({ active: 1, moving: 1, bytesTotal: 100 }); // it is sent here now
});

test("what needs the user comes first, what is done last", () => {
  const states = ["completed", "waiting", "sending", "needs-file", "cancelled", "failed", "paused"] as const;
  const rows = rowsOf(
    states.map((state) => item(state, { state })),
    [],
  );
  expect(rows.map(({ state }) => state)).toEqual([
    "needs-file",
    "failed",
    "sending",
    "paused",
    "waiting",
    "completed",
    "cancelled",
  ]);
});

test("a row stays the same object until its item changes", () => {
  const [one, other] = [item("one"), item("other")];
  const before = rowsOf([one, other], []);
  const after = rowsOf([one, { ...other, bytesSent: 60 }], []);
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
});

test("nothing looks done before all have ended, and empty files count by their number", () => {
  const sent = { size: 100, bytesSent: 100 };
  expect(totalsOf([item("a", { ...sent, state: "checking" })]).percent).toBe(99.9);
  expect(totalsOf([item("a", { ...sent, state: "completed" })]).percent).toBe(100);
  const empty = { size: 0, bytesSent: 0 };
  expect(totalsOf([item("a", { ...empty, state: "completed" }), item("b", empty)]).percent).toBe(50);
});

test("only what is sent by itself holds the page open", () => {
  const states = ["waiting", "sending", "offline", "paused", "checking", "needs-file", "failed"] as const;
  expect(totalsOf(states.map((state) => item(state, { state }))).moving).toBe(3);
});

test("all uploads are announced together: every quarter, and at the end with what failed", () => {
  const none = totalsOf([]);
  const begun = totalsOf([item("a", { bytesSent: 0 }), item("b", { bytesSent: 0 })]);
  const half = totalsOf([item("a"), item("b")]);
  const ended = totalsOf([item("a", { state: "completed", bytesSent: 100 }), item("b", { state: "failed" })]);
  expect(announcementOf(none, begun)).toBeNull();
  expect(announcementOf(begun, half)).toBe("Uploads: 50 percent.");
  expect(announcementOf(half, half)).toBeNull();
  expect(announcementOf(half, ended)).toBe("1 file uploaded, 1 failed.");
  const offline = totalsOf([item("a", { state: "offline" }), item("b", { state: "offline" })]);
  expect(announcementOf(half, offline)).toBe("Uploads are waiting for the network.");
});

test("the same announcement again is another text, as screen readers ignore one that does not change", () => {
  const texts = [""];
  for (const _ of [1, 2, 3]) texts.push(announcedAgain(texts.at(-1) as string, "1 file added."));
  expect(texts.slice(1).map((text) => text.trim())).toEqual(["1 file added.", "1 file added.", "1 file added."]);
  expect(texts.every((text, place) => text !== texts[place - 1])).toBe(true);
});

test("the list tells of the previews of other uploads, and older servers of none", () => {
  const processing = { jobId: A, kind: "image", status: "queued", error: null } as const;
  expect(otherRow(listed(B, { processing, thumbnailId: 7 }), undefined).previews).toEqual({
    processing,
    thumbnailId: 7,
  });
  const { processing: _, thumbnailId: __, ...older } = listed(B);
  expect(otherRow(older as ListedUpload, undefined).previews).toEqual({ processing: null, thumbnailId: null });
});
