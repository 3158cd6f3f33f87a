// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useReachability } from "./useReachability.ts";

const fetched = vi.fn<(url: string, init: RequestInit) => Promise<{ status: number }>>();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", fetched);
  fetched.mockReset().mockResolvedValue({ status: 200 });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const pass = (seconds: number) => act(() => vi.advanceTimersByTimeAsync(1_000 * seconds));

/** A server that never responds: only the signal ends the request. */
function hang(_: string, { signal }: RequestInit): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

function show(state: DocumentVisibilityState) {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
}

test("a server that hangs is noticed within 15 s, and noticed again when it responds", async () => {
  const { result } = renderHook(() => useReachability(true));
  await pass(10);
  expect(result.current.isReachable).toBe(true);
  fetched.mockImplementation(hang);
  await pass(15);
  expect(result.current.isReachable).toBe(false);
  fetched.mockResolvedValue({ status: 200 });
  await pass(10);
  expect(result.current.isReachable).toBe(true);
});

test("after a break the connections that the browser keeps are replaced with one probe", async () => {
  let dead = 6;
  fetched.mockImplementation((url, init) => {
    dead -= 1;
    return dead >= 0 ? hang(url, init) : Promise.resolve({ status: 200 });
  });
  const { result } = renderHook(() => useReachability(true));
  await pass(15);
  expect(result.current.isReachable).toBe(false);
  act(() => result.current.check());
  await pass(5);
  expect(result.current.isReachable).toBe(true);
  fetched.mockClear();
  await pass(9);
  expect(fetched).toHaveBeenCalledTimes(1);
});

test("an event of the browser is checked at once, since the server may be on this device", async () => {
  const { result } = renderHook(() => useReachability(true));
  act(() => void window.dispatchEvent(new Event("offline")));
  await pass(0);
  expect(result.current.isReachable).toBe(true);
  fetched.mockRejectedValue(new TypeError("Failed to fetch"));
  act(() => void window.dispatchEvent(new Event("offline")));
  await pass(0);
  expect(result.current.isReachable).toBe(false);
});

test.each([
  [404, true],
  [502, false],
])("with HTTP status %i the server is reachable: %s", async (status, isReachable) => {
  fetched.mockResolvedValue({ status });
  const { result } = renderHook(() => useReachability(true));
  act(() => result.current.check());
  await pass(0);
  expect(result.current.isReachable).toBe(isReachable);
});

test("a minute costs seven requests, and none while the page is hidden or follows jobs", async () => {
  const { rerender, unmount } = renderHook((enabled: boolean) => useReachability(enabled), { initialProps: true });
  await pass(60);
  expect(fetched.mock.calls.length).toBeLessThanOrEqual(7);
  fetched.mockClear();
  show("hidden");
  await pass(60);
  expect(fetched).not.toHaveBeenCalled();
  show("visible");
  expect(fetched).toHaveBeenCalledTimes(1);
  rerender(false);
  await pass(60);
  expect(fetched).toHaveBeenCalledTimes(1);
  unmount();
  expect(vi.getTimerCount()).toBe(0);
});
