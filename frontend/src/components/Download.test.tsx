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
  return { ...actions, failures: [], fileUrl: () => "http://server/file", ...more } as unknown as DownloadManager;
}

function show(shown: Job, with_ = manager(), onStarted = vi.fn()) {
  return render(<Download job={shown} manager={with_} onStarted={onStarted} />);
}

const bar = () => screen.getByRole("progressbar");
const pass = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));

test("the progress bar describes progress, speed and remaining time", () => {
  render(<JobProgress job={job()} />);
  expect(bar().getAttribute("aria-valuetext")).toBe("40.0%, 4.00 kB of 10.0 kB, 1 of 3 files, 2.00 kB/s, 3 s left");
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
  expect(screen.getByText("the store hung up")).toBeTruthy();
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

test("a failed job offers to retry all, retry failed files, and skip missing files", async () => {
  const error = { class: "validation" as const, message: "1 of 3 files is missing" };
  const files = [file(0, { status: "done" }), file(1, { status: "failed" }), file(2)];
  const onStarted = vi.fn();
  const [retryFailed, start] = [vi.fn(async () => accepted), vi.fn(async () => accepted)];
  const acting = manager({ retryFailed, start } as unknown as Partial<DownloadManager>);
  show(job({ status: "failed" }, { error, files }), acting, onStarted);
  await act(async () => void fireEvent.click(screen.getByRole("button", { name: "Retry 1 failed file" })));
  expect(onStarted).toHaveBeenCalledWith("new");
  await act(
    async () => void fireEvent.click(screen.getByRole("button", { name: "Start again without missing files" })),
  );
  const named = files.map(({ fileId, name }) => ({ file_id: fileId, name }));
  expect(start).toHaveBeenCalledWith({
    files: named,
    archiveName: "photos.zip",
    onMissing: "skip",
    compression: "deflate",
  });
});

test("if all files failed, skipping missing files is not offered", () => {
  const error = { class: "validation" as const, message: "missing" };
  show(job({ status: "failed", filesTotal: 1 }, { error, files: [file(0, { status: "failed" })] }));
  expect(screen.getAllByRole("button").map((button) => button.textContent)).not.toContain(
    "Start again without missing files",
  );
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
