// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Job } from "../client/index.ts";
import { problem } from "../client/problems.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { A, B } from "../testing/environment.ts";
import { job } from "../testing/jobs.ts";
import { useAutoSave } from "./useAutoSave.ts";

beforeEach(() => window.sessionStorage.clear());
afterEach(cleanup);

const refused = { ok: false, problem: problem("unreachable") };

function watch(first: readonly Job[]) {
  const link = vi.fn(async () => refused);
  const rendered = renderHook(({ jobs }) => useAutoSave({ jobs, link } as unknown as DownloadManager), {
    initialProps: { jobs: first },
  });
  return { ...rendered, link };
}

test("a job that was marked is saved once when it is ready, and no other", async () => {
  const { result, rerender, link } = watch([job(), job({ jobId: B })]);
  act(() => result.current.set(A, true));
  expect(result.current.has(A)).toBe(true);
  await act(async () => rerender({ jobs: [job(), job({ jobId: B, status: "completed" })] }));
  expect(link).not.toHaveBeenCalled();
  await act(async () => rerender({ jobs: [job({ status: "completed" })] }));
  await act(async () => rerender({ jobs: [job({ status: "completed", percent: 100 })] }));
  expect(link.mock.calls).toEqual([[A]]);
  expect(result.current.has(A)).toBe(false);
});

test("a mark survives a reload of the tab, and is removed when the job fails", async () => {
  const { result, unmount } = watch([job()]);
  act(() => result.current.set(A, true));
  unmount();
  const later = watch([job()]);
  expect(later.result.current.has(A)).toBe(true);
  await act(async () => later.rerender({ jobs: [job({ status: "failed" })] }));
  expect(later.link).not.toHaveBeenCalled();
  expect(watch([job()]).result.current.has(A)).toBe(false);
});
