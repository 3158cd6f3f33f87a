// @vitest-environment happy-dom
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { Account } from "./Account.tsx";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function answer(caller: object) {
  const fetched = vi.fn(async () => new Response(JSON.stringify(caller)));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

test("it shows who is signed in, and the way out", async () => {
  const fetched = answer({ mode: "required", user: "anna" });
  render(<Account />);
  await screen.findByText("anna");
  screen.getByRole("button", { name: "Sign out" }).click();
  await waitFor(() => expect(fetched).toHaveBeenLastCalledWith("/v1/access/session", { method: "DELETE" }));
});

test.each([
  { mode: "open", user: "anonymous" },
  { mode: "required", user: null },
])("it shows nothing for %o", async (caller) => {
  const fetched = answer(caller);
  const { container } = render(<Account />);
  await waitFor(() => expect(fetched).toHaveBeenCalled());
  expect(container.textContent).toBe("");
});
