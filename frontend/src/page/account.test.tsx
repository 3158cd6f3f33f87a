// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { texts } from "../texts.ts";
import { AccountMenu } from "./AccountMenu.tsx";
import { browserOf } from "./browsers.ts";
import { SignIn } from "./SignIn.tsx";
import type { Caller, Session } from "./session.ts";

afterEach(cleanup);

function session(caller: Partial<Caller>): Session {
  const full = {
    mode: "required",
    user: "anna",
    proof: "session",
    signIn: { provider: null, proxy: false },
    ...caller,
  };
  return {
    caller: full as Caller,
    isSignedOut: full.user === null,
    hasEnded: false,
    generation: 0,
    signOut: vi.fn(async () => null),
  };
}

test("the menu shows who is signed in, and the way out", () => {
  const signedIn = session({});
  render(<AccountMenu {...signedIn} />);
  fireEvent.click(screen.getByRole("button", { name: "Signed in as anna" }));
  expect(screen.getByRole("link", { name: "Account" }).getAttribute("href")).toBe("/account");
  fireEvent.click(screen.getByRole("button", { name: "Sign out" }));
  expect(signedIn.signOut).toHaveBeenCalledOnce();
});

test("whom a proxy signs in can't sign out here", () => {
  render(<AccountMenu {...session({ proof: "proxy" })} />);
  fireEvent.click(screen.getByRole("button", { name: "Signed in as anna" }));
  expect(screen.queryByRole("button", { name: "Sign out" })).toBeNull();
});

test.each([
  { mode: "open", user: "anonymous" },
  { mode: "required", user: null },
] as const)("there is no menu for %o", (caller) => {
  const { container } = render(<AccountMenu {...session(caller)} />);
  expect(container.textContent).toBe("");
});

test("the sign-in leads to the provider and back to this page", () => {
  window.history.pushState(null, "", "/jobs/7");
  render(<SignIn {...session({ user: null, signIn: { provider: "Example", proxy: false } })} />);
  const link = screen.getByRole("link", { name: "Sign in with Example" });
  expect(link.getAttribute("href")).toBe("/sign-in/oidc?returnTo=%2Fjobs%2F7");
});

test("without a provider the sign-in explains one-time links", () => {
  const { container } = render(<SignIn {...session({ user: null })} />);
  expect(screen.queryByRole("link")).toBeNull();
  expect(container.querySelector("details")?.open).toBe(true);
  expect(container.textContent).toContain(texts.signIn.command);
});

test("behind a proxy the sign-in is a reload", () => {
  render(<SignIn {...session({ user: null, signIn: { provider: null, proxy: true } })} />);
  expect(screen.getByRole("button", { name: "Reload the page" })).toBeTruthy();
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36",
    "Chrome on Linux",
  ],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0",
    "Edge on Windows",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1",
    "Safari on iOS",
  ],
  ["curl/8.5.0", null],
  [null, null],
])("%s is called %s", (userAgent, name) => {
  expect(browserOf(userAgent)).toBe(name);
});
