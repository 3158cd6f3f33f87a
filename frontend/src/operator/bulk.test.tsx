// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { json, problemResponse } from "../testing/environment.ts";
import { bulkAction } from "../testing/operator.ts";
import { BulkActions } from "./BulkActions.tsx";
import { BulkBar } from "./BulkBar.tsx";
import { NO_FILTER } from "./filters.ts";

const requests: { method: string; path: string; body: unknown }[] = [];
let respond: (method: string, path: string) => Response;

beforeEach(() => {
  requests.length = 0;
  vi.stubGlobal("fetch", async (path: string, { method = "GET", body }: RequestInit = {}) => {
    requests.push({ method, path, body: body ? JSON.parse(String(body)) : null });
    return respond(method, path);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const counted = (count: number) => json({ count, byStatus: { failed: count } });

test("what was counted is what is agreed to", async () => {
  const onStarted = vi.fn();
  respond = (method) => (method === "GET" ? counted(10_214) : json(bulkAction(), 202));
  render(<BulkBar filter={{ ...NO_FILTER, dead: true, kind: "image" }} onStarted={onStarted} />);
  fireEvent.click(screen.getByRole("button", { name: "Retry all…" }));
  const title = await screen.findByRole("heading", { name: "Retry 10,214 jobs?" });
  await vi.waitFor(() => expect(document.activeElement).toBe(title));
  fireEvent.click(screen.getByRole("button", { name: "Retry 10,214 jobs" }));
  await vi.waitFor(() => expect(onStarted).toHaveBeenCalledOnce());
  const [count, start] = requests;
  expect(count?.path).toContain("kind=image&dead=true&status=failed");
  expect(start?.body).toMatchObject({
    action: "retry",
    expected: 10_214,
    filter: { status: ["failed"], kind: ["image"], dead: true },
  });
  expect(screen.queryByRole("heading")).toBeNull();
});

test("if there are more by now, it asks again with their number", async () => {
  let count = 3;
  respond = (method) => (method === "GET" ? counted(count) : problemResponse(409, "count_changed"));
  render(<BulkBar filter={NO_FILTER} onStarted={() => {}} />);
  fireEvent.click(screen.getByRole("button", { name: "Cancel all…" }));
  await screen.findByRole("heading", { name: "Cancel 3 jobs?" });
  count = 4;
  fireEvent.click(screen.getByRole("button", { name: "Cancel 3 jobs" }));
  await screen.findByRole("heading", { name: "Cancel 4 jobs?" });
  expect(screen.getByRole("alert").textContent).toContain("count_changed");
});

test("of jobs that have ended only some actions are offered, and none of nothing", async () => {
  respond = () => counted(0);
  render(<BulkBar filter={{ ...NO_FILTER, status: "failed" }} onStarted={() => {}} />);
  expect(screen.queryByRole("button", { name: "Cancel all…" })).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Delete dead…" }));
  await screen.findByRole("heading", { name: /only dead ones/ });
  expect(screen.queryByRole("button", { name: /^Delete \d/ })).toBeNull();
});

function shown(action = bulkAction(), canAct = true) {
  const actions = { value: { actions: [action] }, problem: null, reload: vi.fn(async () => {}) };
  return <BulkActions actions={actions} canAct={canAct} limit={1} />;
}

test("an action shows how far it is, can be stopped, and says when it has ended", async () => {
  respond = () => json(bulkAction({ state: "cancelled" }));
  const { rerender } = render(shown());
  const bar = screen.getByRole("progressbar", { name: "Progress: Retry 10,214 jobs" });
  expect(bar.getAttribute("aria-valuenow")).toBe("30");
  expect(bar.getAttribute("aria-valuetext")).toBe("3,120 of 10,214 done, 4 left as they were");
  fireEvent.click(screen.getByRole("button", { name: "Stop: Retry 10,214 jobs" }));
  await vi.waitFor(() => expect(requests).toMatchObject([{ method: "DELETE", path: "/v1/operator/actions/1" }]));
  rerender(shown(bulkAction({ state: "completed", done: 10_214, failed: 0 })));
  expect(screen.getByRole("status").textContent).toBe("Retry 10,214 jobs: 10,214 of 10,214 done.");
});

test("before it starts it can be undone, and by support it can't", () => {
  const waiting = bulkAction({ state: "waiting", startsAt: new Date(Date.now() + 4_500).toISOString(), done: 0 });
  const { rerender } = render(shown(waiting));
  expect(screen.getByText(/Starts in 5 s/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Undo: Retry 10,214 jobs" })).toBeTruthy();
  rerender(shown(waiting, false));
  expect(screen.queryByRole("button")).toBeNull();
});
