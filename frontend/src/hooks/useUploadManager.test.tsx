// @vitest-environment happy-dom
import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, test } from "vitest";
import { status } from "../testing/environment.ts";
import { FakeUploads, file } from "../testing/uploads.ts";
import { useDownloadManager } from "./useDownloadManager.ts";
import { useUploadManager } from "./useUploadManager.ts";

let fake: FakeUploads;

beforeEach(() => {
  fake = new FakeUploads();
});

async function pass(seconds = 1): Promise<void> {
  await act(async () => {
    for (let step = 0; step < 10 * seconds; step += 1) await fake.env.clock.advance(0.1);
  });
}

test("it renders what is uploaded, and its functions keep their identity", async () => {
  const manager = fake.manager();
  const { result } = renderHook(() => useUploadManager({ client: fake.env.client, manager }));
  const { add, pause, resume, retry, cancel, forget, pick } = result.current;
  expect(result.current.items).toEqual([]);
  act(() => add([{ name: "a.txt", file: file("a.txt", [1, 2]) }]));
  await pass();
  expect(result.current.items.map(({ name, state }) => [name, state])).toEqual([["a.txt", "checking"]]);
  expect(result.current.counts.checking).toBe(1);
  expect(result.current).toMatchObject({ add, pause, resume, retry, cancel, forget, pick });
});

test("uploads go on after the component was unmounted", async () => {
  const manager = fake.manager();
  const { result, unmount } = renderHook(() => useUploadManager({ client: fake.env.client, manager }));
  act(() => result.current.add([{ name: "a.txt", file: file("a.txt", [1]) }]));
  unmount();
  await pass();
  expect(fake.job("a.txt").status).toBe("queued");
});

test("uploads that are followed are no downloads", async () => {
  const manager = fake.manager();
  const { result } = renderHook(() => useDownloadManager({ client: fake.env.client, list: true, syncUrl: false }));
  act(() => manager.add([{ name: "a.txt", file: file("a.txt", [1]) }]));
  await pass();
  const { jobId } = fake.job("a.txt");
  await act(async () => {
    fake.env.socket.open();
    fake.env.socket.deliver({ ...status(1, { jobId }), kind: "upload", upload: { name: "a.txt", fileId: null } });
  });
  await pass();
  expect(fake.env.client.getState().jobs.size).toBe(1);
  expect(result.current.jobs).toEqual([]);
});
