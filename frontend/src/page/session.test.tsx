// @vitest-environment happy-dom
import { act, cleanup, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { authenticatedFetch, call } from "./requests.ts";
import { announceSession, type Session, useSession } from "./session.ts";

const NOBODY = { mode: "required", user: null, expiresAt: null };
const ANNA = { mode: "required", user: "anna", proof: "session", expiresAt: "2100-01-01T00:00:00Z" };

/** What the server says next. */
let caller: object = ANNA;
let status = 200;
let session: Session;

beforeEach(() => {
  caller = ANNA;
  status = 200;
  const respond = async (url: string) =>
    url.endsWith("/session") && status === 200
      ? new Response(JSON.stringify(caller))
      : new Response(null, { status: url.endsWith("/session") ? status : 401 });
  vi.stubGlobal("fetch", vi.fn(respond));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function Probe() {
  session = useSession();
  return <p>{session.caller?.user ?? "nobody"}</p>;
}

test("a request that is refused ends what is shown of the session", async () => {
  render(<Probe />);
  await screen.findByText("anna");
  expect([session.isSignedOut, session.hasEnded]).toEqual([false, true]);
  caller = NOBODY;
  await act(() => authenticatedFetch("/v1/download/jobs"));
  await screen.findByText("nobody");
  expect(session.isSignedOut).toBe(true);
});

test("another tab that signs in or out is noticed", async () => {
  caller = NOBODY;
  render(<Probe />);
  await waitFor(() => expect(session.isSignedOut).toBe(true));
  expect(session.hasEnded).toBe(false);
  caller = ANNA;
  announceSession();
  await screen.findByText("anna");
});

test("another user of the browser gets a new page", async () => {
  const reload = vi.spyOn(window.location, "reload").mockImplementation(() => undefined);
  render(<Probe />);
  await screen.findByText("anna");
  caller = { ...ANNA, user: "otto" };
  announceSession();
  await waitFor(() => expect(reload).toHaveBeenCalled());
  expect(session.caller?.user).toBe("anna");
});

test("the next session of the same user is another generation", async () => {
  render(<Probe />);
  await screen.findByText("anna");
  const before = session.generation;
  announceSession();
  caller = { ...ANNA, expiresAt: "2100-01-02T00:00:00Z" };
  await waitFor(() => expect(session.generation).toBe(before + 1));
});

test("a session is looked at when it should have expired", async () => {
  vi.useFakeTimers();
  caller = { ...ANNA, expiresAt: new Date(Date.now() + 60_000).toISOString() };
  render(<Probe />);
  await act(() => vi.advanceTimersByTimeAsync(59_000));
  expect(session.isSignedOut).toBe(false);
  caller = NOBODY;
  await act(() => vi.advanceTimersByTimeAsync(2_000));
  expect(session.isSignedOut).toBe(true);
});

test("a proxy that refuses by itself means that nobody is signed in", async () => {
  render(<Probe />);
  await screen.findByText("anna");
  status = 401;
  announceSession();
  await screen.findByText("nobody");
  expect(session.caller?.signIn).toEqual({ provider: null, proxy: true });
});

test("a server that can't be reached changes nothing", async () => {
  render(<Probe />);
  await screen.findByText("anna");
  status = 503;
  await act(() => authenticatedFetch("/v1/download/jobs"));
  expect(screen.getByText("anna")).toBeTruthy();
});

test("a failed sign-out is returned", async () => {
  render(<Probe />);
  await screen.findByText("anna");
  status = 503;
  expect(await session.signOut()).toMatchObject({ code: "unexpected_response", status: 503 });
});

test("a response without a body is a success", async () => {
  vi.stubGlobal("fetch", async () => new Response(null, { status: 204 }));
  expect(await call("DELETE", "v1/access/keys/1")).toEqual({ ok: true, value: undefined });
  vi.stubGlobal("fetch", async () => new Response("<p>"));
  expect(await call("GET", "v1/access/keys")).toMatchObject({ ok: false, problem: { code: "unexpected_response" } });
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("Failed to fetch");
  });
  expect(await call("GET", "v1/access/keys")).toMatchObject({ ok: false, problem: { code: "unreachable" } });
});
