// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Job } from "../client/index.ts";
import { problem } from "../client/problems.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { file, job, progress } from "../testing/jobs.ts";
import { Download } from "./Download.tsx";
import { JobProgress } from "./JobProgress.tsx";
import { ProblemNotice } from "./ProblemNotice.tsx";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const accepted = { ok: true as const, value: { jobId: "new" } };

function manager(more: Partial<DownloadManager> = {}): DownloadManager {
  const actions = { cancel: vi.fn(), retry: vi.fn(), retryFailed: vi.fn(), start: vi.fn(), link: vi.fn() };
  const client = { receivedAt: null };
  return {
    ...actions,
    client,
    connection: "live",
    failures: [],
    fileUrl: () => "http://server/file",
    ...more,
  } as unknown as DownloadManager;
}

function show(shown: Job, with_ = manager(), onStarted = vi.fn()) {
  return render(<Download job={shown} manager={with_} onStarted={onStarted} />);
}

const bar = () => screen.getByRole("progressbar");
const pass = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));

test("the progress bar describes progress, speed and remaining time", () => {
  render(<JobProgress job={job()} />);
  expect(bar().getAttribute("aria-valuetext")).toBe(
    "40.0%, 4.00 kB of 10.0 kB, 1 of 3 files, 2.00 kB/s, about 3 s to go",
  );
  expect(bar().getAttribute("aria-valuenow")).toBe("40");
});

test("without a known total the progress bar has no value", () => {
  render(<JobProgress job={job({ percent: null }, progress({ bytesTotal: null, percent: null, etaSeconds: null }))} />);
  expect(bar().getAttribute("aria-valuenow")).toBeNull();
  expect(bar().getAttribute("aria-valuetext")).toMatch(/total size not known/);
});

test("progress stays below 100 until the job is completed", () => {
  render(<JobProgress job={job({ percent: 100 })} />);
  expect(bar().getAttribute("aria-valuenow")).toBe("99");
  expect(screen.queryByText("100%")).toBeNull();
});

test("a queued job shows its position and estimated start", () => {
  show(job({ status: "queued", percent: null }, progress({ phase: "queued", queuePosition: 4, startsInSeconds: 90 })));
  expect(screen.getByText("Number 4 in the queue")).toBeTruthy();
  expect(screen.getByText("starts in about 1 min 30 s")).toBeTruthy();
  expect(screen.getByText("Queued").closest("li")?.getAttribute("aria-current")).toBe("step");
});

test("a job that waits for its next attempt shows the error and a countdown", async () => {
  const nextAttemptAt = new Date(Date.now() + 5_000).toISOString();
  const error = { class: "network" as const, message: "the store hung up" };
  show(job({ status: "retrying" }, { nextAttemptAt, error }));
  expect(screen.getByText("The store could not be reached.")).toBeTruthy();
  expect(screen.getByText("the store hung up").closest("details")?.open).toBe(false);
  expect(screen.getByText("Next attempt in 5 s")).toBeTruthy();
  await pass(2_000);
  expect(screen.getByText("Next attempt in 3 s")).toBeTruthy();
});

test("a running action is not started twice, and its button keeps the focus", async () => {
  const cancel = vi.fn(() => new Promise<never>(() => undefined));
  show(job(), manager({ cancel }));
  const button = screen.getByRole("button", { name: "Cancel" });
  button.focus();
  const twice = () => [fireEvent.click(button), fireEvent.click(button)];
  await act(async () => void twice());
  await act(async () => void twice());
  expect(cancel).toHaveBeenCalledTimes(1);
  expect(document.activeElement).toBe(button);
  expect(button.getAttribute("aria-disabled")).toBe("true");
});

test("when the focused button disappears, the focus moves to the next action", async () => {
  const { rerender } = show(job());
  screen.getByRole("button", { name: "Cancel" }).focus();
  rerender(<Download job={job({ status: "cancelled" })} manager={manager()} />);
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Try again" }));
});

test("a focus outside the component is not moved", () => {
  const { rerender } = show(job());
  rerender(<Download job={job({ status: "cancelled" })} manager={manager()} />);
  expect(document.activeElement).toBe(document.body);
});

const names = () => screen.getAllByRole("button").map((button) => button.textContent || button.title);
const click = (name: string | RegExp) => act(async () => void fireEvent.click(screen.getByRole("button", { name })));

test("a job that lacks files offers to skip them, and everything else in its menu", async () => {
  const error = { class: "validation" as const, message: "1 of 3 files is missing" };
  const files = [file(0, { status: "done" }), file(1, { status: "failed" }), file(2)];
  const onStarted = vi.fn();
  const [retryFailed, start] = [vi.fn(async () => accepted), vi.fn(async () => accepted)];
  const acting = manager({ retryFailed, start } as unknown as Partial<DownloadManager>);
  show(job({ status: "failed" }, { error, files }), acting, onStarted);
  expect(names()).toEqual(["Start again without missing files", "More actions: photos.zip", "Copy"]);
  await click(/^More actions/);
  expect(names().slice(2, -1)).toEqual(["Try again", "Retry 1 failed file", "Copy details", "Copy job ID"]);
  await click("Retry 1 failed file");
  expect(onStarted).toHaveBeenCalledWith("new");
  await click("Start again without missing files");
  const named = files.map(({ fileId, name }) => ({ file_id: fileId, name }));
  expect(start).toHaveBeenCalledWith({
    files: named,
    archiveName: "photos.zip",
    onMissing: "skip",
    compression: "deflate",
  });
});

test("a job with a URL can be tried again as a whole only, since nobody gets its URL", async () => {
  const error = { class: "validation" as const, message: "1 of 3 files is missing" };
  const files = [file(0, { status: "done" }), file(1), file(2, { status: "failed", fileId: 0 })];
  show(job({ status: "failed" }, { error, files }));
  await click(/^More actions/);
  expect(names()).toContain("Try again");
  expect(names().filter((name) => /missing|failed file/.test(name))).toEqual([]);
});

test("the steps of a job include the fetching of URLs while it goes on", () => {
  const steps = () => screen.getAllByRole("listitem").map((item) => item.textContent);
  show(job({}, progress({ phase: "packing" })));
  expect(steps()).toHaveLength(4);
  cleanup();
  show(job({}, progress({ phase: "fetching", percent: null, bytesTotal: null })));
  expect(steps()[2]).toBe("3Fetching URLs, in progress");
});

const sentences = () => [...document.querySelectorAll(".notice-body > p")].map((line) => line.textContent).slice(1);

test.each([
  [3, 1, "1 of 3 files is missing."],
  [3, 2, "2 of 3 files are missing."],
  [3, 3, "All 3 files are missing."],
  [1, 1, "The file is missing."],
])("of %i files %i missing are told in one sentence", (filesTotal, missing, sentence) => {
  const message = "so many files are missing: 1 (no such file). Remove it, or skip missing files.";
  const files = Array.from({ length: missing }, (_, index) => file(index, { status: "failed" }));
  show(job({ status: "failed", filesTotal }, { error: { class: "validation", message }, files }));
  expect(sentences()).toEqual([sentence]);
});

test("what the server says of an error is shown on request, and each kind of error has a sentence", () => {
  for (const kind of ["network", "timeout", "storage", "worker_lost", "internal"] as const) {
    const message = "found while packing 'a.txt'";
    show(job({ status: "failed" }, { error: { class: kind, message }, files: [file(0)] }));
    expect(sentences()).toEqual([
      expect.stringMatching(/^[A-Z][^.]+\.$/),
      expect.stringMatching(/^Finished work is kept/),
    ]);
    expect(screen.getByText(message).closest("details")?.open).toBe(false);
    expect(names()[0]).toBe("Try again");
    cleanup();
  }
});

test("if no file is missing, an invalid download is explained by the server, and other files help", () => {
  const error = { class: "validation" as const, message: "The bundle would be too large." };
  render(
    <Download job={job({ status: "failed" }, { error, files: [file(0)] })} manager={manager()} onChoose={vi.fn()} />,
  );
  expect(sentences()).toEqual([error.message]);
  expect(names()[0]).toBe("Choose other files");
});

test("if all files are missing, only other files help", async () => {
  const error = { class: "validation" as const, message: "missing" };
  const onChoose = vi.fn();
  const failed = job({ status: "failed", filesTotal: 1 }, { error, files: [file(0, { status: "failed" })] });
  render(<Download job={failed} manager={manager()} onChoose={onChoose} />);
  expect(names()).toEqual(["Choose other files", "More actions: photos.zip", "Copy"]);
  await click("Choose other files");
  expect(onChoose).toHaveBeenCalledTimes(1);
});

test("a job that failed on something temporary, or was cancelled, offers to try again", () => {
  const error = { class: "network" as const, message: "the store hung up" };
  show(job({ status: "failed" }, { error, files: [file(0)] }));
  expect(names()[0]).toBe("Try again");
  cleanup();
  show(job({ status: "cancelled" }));
  expect(names()[0]).toBe("Try again");
});

test("Escape closes the menu and returns the focus to its button", async () => {
  show(job({ status: "cancelled" }));
  await click(/^More actions/);
  const item = screen.getByRole("button", { name: "Copy job ID" });
  item.focus();
  fireEvent.keyDown(item, { key: "Escape" });
  expect(screen.queryByRole("button", { name: "Copy job ID" })).toBeNull();
  expect(document.activeElement).toBe(screen.getByRole("button", { name: /^More actions/ }));
});

test("a server that is silent is named with the time of the last update", async () => {
  const client = { receivedAt: Date.now() } as DownloadManager["client"];
  show(job(), manager({ client }));
  await pass(7_000);
  expect(screen.queryByText(/Last update/)).toBeNull();
  await pass(5_000);
  expect(screen.getByText("Last update 12 s ago")).toBeTruthy();
});

test("a running job can be marked to be saved when it is ready", () => {
  const autoSave = { has: () => false, set: vi.fn() };
  render(<Download job={job()} manager={manager()} autoSave={autoSave} />);
  fireEvent.click(screen.getByRole("checkbox", { name: /^Save automatically when ready/ }));
  expect(autoSave.set).toHaveBeenCalledWith(job().jobId, true);
});

const RESULT = {
  kind: "bundle" as const,
  size: 2_000,
  checksum: { algorithm: "crc32" as const, value: "bc14ef8d" },
  sha256: null,
  filename: "it's.zip",
  bundleExpiresAt: null,
  omitted: [],
};

test("the result can be shared by its stable link, until it expires", () => {
  const until = "2026-11-22T12:00:00Z";
  show(job({ status: "completed", percent: 100, bundleExpiresAt: until }, { result: RESULT }));
  expect(screen.getByLabelText<HTMLInputElement>("Share link").value).toBe("http://server/file");
  expect(screen.getByRole("button", { name: "Copy share link" })).toBeTruthy();
  expect(screen.getByText(/^Works for anyone who can reach this server, until Nov 22, 2026/)).toBeTruthy();
});

test("the result is verified by what is known of it", () => {
  const codes = () => [...document.querySelectorAll(".verify code")].map((code) => code.textContent);
  const bundle = render(<Download job={job({ status: "completed" }, { result: RESULT })} manager={manager()} />);
  expect(codes()).toEqual(["bc14ef8d", "unzip -tq 'it'\\''s.zip'", "7z h -scrcCRC32 'it'\\''s.zip'"]);
  expect(screen.getByText(/there is no SHA-256 of the whole/)).toBeTruthy();
  bundle.unmount();
  const single = { ...RESULT, kind: "object" as const, sha256: "ab".repeat(32), filename: "-a.txt" };
  show(job({ status: "completed" }, { result: single }));
  expect(codes()).toEqual(["ab".repeat(32), `echo '${"ab".repeat(32)}  -a.txt' | sha256sum -c`]);
  cleanup();
  show(job({ status: "completed" }, { result: { ...RESULT, checksum: null } }));
  expect(screen.queryByText("Verify the file")).toBeNull();
});

test("the result shows a countdown to its expiry", async () => {
  const bundleExpiresAt = new Date(Date.now() + 3_000).toISOString();
  show(job({ status: "completed", percent: 100, size: 2_000, bundleExpiresAt }));
  expect(screen.getByText("3 s")).toBeTruthy();
  await pass(4_000);
  expect(screen.getByText("Expired")).toBeTruthy();
});

test("a problem with Retry-After can be retried only after the countdown", async () => {
  const again = vi.fn();
  const busy = problem("queue_full", { status: 503, message: "The queue is full.", retryAfter: 2, queuePosition: 41 });
  render(<ProblemNotice action="start" problem={busy} onRetry={again} />);
  const notice = within(screen.getByRole("alert"));
  expect(notice.getByText(/number 41 in the queue/)).toBeTruthy();
  fireEvent.click(notice.getByRole("button", { name: "Try again" }));
  expect(again).not.toHaveBeenCalled();
  expect(notice.getByText("Try again in 2 s.")).toBeTruthy();
  await pass(2_000);
  fireEvent.click(notice.getByRole("button", { name: "Try again" }));
  expect(again).toHaveBeenCalledTimes(1);
});

test("a problem without Retry-After can be retried immediately", () => {
  const again = vi.fn();
  render(<ProblemNotice action="list" problem={problem("unreachable")} onRetry={again} />);
  fireEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(again).toHaveBeenCalledTimes(1);
});
