// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FileSelection } from "../client/index.ts";
import { problem } from "../client/problems.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { NewDownload, useDraft } from "./NewDownload.tsx";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function preflight({ file_ids = [], onMissing, compression }: FileSelection) {
  const missing = file_ids.filter((fileId) => fileId >= 90_000);
  const wouldFail = missing.length > 0 && onMissing === "fail";
  const files = file_ids.map((file_id) => ({ file_id, name: `${file_id}.txt`, available: file_id < 90_000, size: 1 }));
  const numbers = { filesTotal: file_ids.length, filesAvailable: file_ids.length - missing.length, totalBytes: 10 };
  const resultBytesAtMost = wouldFail ? null : 500;
  const resultBytes = compression === "deflate" ? null : resultBytesAtMost;
  return { kind: "bundle", ...numbers, missing, wouldFail, resultBytes, resultBytesAtMost, files };
}

function manager(more: object = {}) {
  return {
    failures: [],
    files: vi.fn(async () => ({ ok: true, value: { files: [], nextCursor: null } })),
    preflight: vi.fn(async (selection: FileSelection) => ({ ok: true, value: preflight(selection) })),
    start: vi.fn(async () => ({ ok: true, value: { jobId: "new" } })),
    ...more,
  } as unknown as DownloadManager;
}

function Form({
  manager: acting,
  onStarted,
}: {
  manager: DownloadManager;
  onStarted(jobId: string, save: boolean): void;
}) {
  return <NewDownload manager={acting} draft={useDraft()} onStarted={onStarted} />;
}

const pass = (milliseconds = 300) => act(() => vi.advanceTimersByTimeAsync(milliseconds));
const click = (name: string) => act(async () => void fireEvent.click(screen.getByRole("button", { name })));

async function paste(ids: string, milliseconds?: number) {
  fireEvent.change(screen.getByLabelText("File IDs"), { target: { value: ids } });
  await click("Add IDs");
  await pass(milliseconds);
}

test("pasted ids are checked after a debounce, and then started", async () => {
  const onStarted = vi.fn();
  const acting = manager();
  render(<Form manager={acting} onStarted={onStarted} />);
  await paste("10000", 200);
  await paste("10001");
  expect(acting.preflight).toHaveBeenCalledTimes(1);
  expect(screen.getByText("500 B")).toBeTruthy();
  await click("Start download");
  expect(acting.start).toHaveBeenCalledWith({
    file_ids: [10_000, 10_001],
    archiveName: null,
    onMissing: "fail",
    compression: "store",
  });
  expect(onStarted).toHaveBeenCalledWith("new", false);
  expect(screen.getByText("No files selected")).toBeTruthy();
});

const type = (ids: string) => fireEvent.change(screen.getByLabelText("File IDs"), { target: { value: ids } });
const field = () => screen.getByLabelText<HTMLTextAreaElement>("File IDs");

test("ids that were typed and not added are checked and started, too", async () => {
  const acting = manager();
  render(<Form manager={acting} onStarted={vi.fn()} />);
  await paste("10000");
  type("10002, 10000 10001");
  expect(screen.getByText("3 files selected")).toBeTruthy();
  await pass();
  expect(acting.preflight).toHaveBeenLastCalledWith(
    expect.objectContaining({ file_ids: [10_000, 10_002, 10_001] }),
    expect.anything(),
  );
  await click("Start download");
  expect(acting.start).toHaveBeenCalledWith(expect.objectContaining({ file_ids: [10_000, 10_002, 10_001] }));
  expect(field().value).toBe("");
});

test("adding typed ids asks the server nothing new", async () => {
  const acting = manager();
  render(<Form manager={acting} onStarted={vi.fn()} />);
  type("10000");
  await pass();
  await click("Add IDs");
  await pass();
  expect(screen.getByText("1 file added.")).toBeTruthy();
  expect(field().value).toBe("");
  expect(acting.preflight).toHaveBeenCalledTimes(1);
});

test("a typed id that is wrong holds the start back, and nothing of it is lost", async () => {
  const acting = manager();
  render(<Form manager={acting} onStarted={vi.fn()} />);
  type("10000 1000O");
  await pass();
  await click("Start download");
  expect(acting.start).not.toHaveBeenCalled();
  expect(screen.getByText("1000O is not a valid file ID.")).toBeTruthy();
  expect(field().value).toBe("10000 1000O");
  expect(field().closest("details")?.open).toBe(true);
  expect(document.activeElement).toBe(field());
  type("10000 10001");
  expect(screen.queryByText(/not a valid file ID/)).toBeNull();
  await click("Start download");
  expect(acting.start).toHaveBeenCalledWith(expect.objectContaining({ file_ids: [10_000, 10_001] }));
});

test("a typed id can be removed from the selection", async () => {
  render(<Form manager={manager()} onStarted={vi.fn()} />);
  type("10000 10001 x");
  expect(screen.getByText("2 files selected")).toBeTruthy();
  await click("Clear selection");
  expect(screen.getByText("No files selected")).toBeTruthy();
  expect(field().value).toBe("x");
});

test("an empty or too large selection is reported and not sent", async () => {
  const acting = manager();
  render(<Form manager={acting} onStarted={vi.fn()} />);
  await click("Start download");
  expect(screen.getByText("Select at least one file.")).toBeTruthy();
  await paste("10000-10999 20000");
  expect(screen.getByText("A download can have at most 1,000 files, but 1,001 are selected.")).toBeTruthy();
  await click("Start download");
  expect(acting.start).not.toHaveBeenCalled();
  expect(acting.preflight).not.toHaveBeenCalled();
});

test("missing files are skipped or removed before the start", async () => {
  const acting = manager();
  render(<Form manager={acting} onStarted={vi.fn()} />);
  await paste("10000 90000");
  await click("Start download");
  expect(acting.start).not.toHaveBeenCalled();
  await click("Skip missing files");
  await pass();
  expect(screen.getByRole<HTMLInputElement>("checkbox", { name: /Skip missing/ }).checked).toBe(true);
  expect(screen.getByText(/will be skipped/)).toBeTruthy();
  await click("Remove from selection");
  await pass();
  await click("Start download");
  expect(acting.start).toHaveBeenCalledWith({
    file_ids: [10_000],
    archiveName: null,
    onMissing: "skip",
    compression: "store",
  });
});

test("a rejected download keeps the selection", async () => {
  const refused = { ok: false, problem: problem("queue_full", { status: 503 }) };
  render(<Form manager={manager({ start: async () => refused })} onStarted={vi.fn()} />);
  await paste("10000");
  await click("Start download");
  expect(screen.getByText("1 file selected")).toBeTruthy();
});

test("a response for an earlier selection is not shown", async () => {
  const late: ((value: unknown) => void)[] = [];
  const acting = manager({ preflight: () => new Promise((resolve) => late.push(resolve)) });
  render(<Form manager={acting} onStarted={vi.fn()} />);
  await paste("10000");
  await paste("90000");
  await act(async () => late[0]?.({ ok: true, value: preflight({ file_ids: [10_000] }) }));
  expect(screen.queryByText("500 B")).toBeNull();
  expect(screen.getByText("Checking files…")).toBeTruthy();
});

test("a compressed bundle has only an upper bound of its size", async () => {
  const acting = manager();
  render(<Form manager={acting} onStarted={vi.fn()} />);
  await paste("10000");
  fireEvent.click(screen.getByRole("checkbox", { name: /Compress/ }));
  await pass();
  expect(screen.getByText("at most 500 B")).toBeTruthy();
  await click("Start download");
  expect(acting.start).toHaveBeenCalledWith(expect.objectContaining({ compression: "deflate" }));
});

const FILES = ["a/1.txt", "a/2.txt", "b/3.txt", "4.txt", "5.txt"].map((name, index) => ({
  id: 10_000 + index,
  name,
  size: 1_000 * (index + 1),
}));

test("the total of pasted ids is a lower bound until the server has checked them", async () => {
  const late: ((value: unknown) => void)[] = [];
  const files = vi.fn(async () => ({ ok: true, value: { files: FILES, nextCursor: null } }));
  const acting = manager({ files, preflight: () => new Promise((resolve) => late.push(resolve)) });
  render(<Form manager={acting} onStarted={vi.fn()} />);
  await pass();
  await click("Select all shown");
  await paste("20000");
  expect(screen.getByText("at least 15.0 kB")).toBeTruthy();
  const checked = {
    ...preflight({ file_ids: [20_000] }),
    files: [{ file_id: 20_000, name: "x", available: true, size: 5_000 }],
  };
  await act(async () => late.at(-1)?.({ ok: true, value: checked }));
  expect(screen.getByText("20.0 kB")).toBeTruthy();
});
