// @vitest-environment happy-dom
import { act, cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TokenSource } from "../access/index.ts";
import { useDownloadManager } from "../hooks/index.ts";
import { A, FakeEnvironment, json, problemResponse, type RecordedRequest, status } from "../testing/environment.ts";
import { Haulage, useAccess } from "./index.ts";

let env: FakeEnvironment;
/** The grants that the server accepts. */
let valid: Set<string>;

beforeEach(() => {
  env = new FakeEnvironment();
  valid = new Set();
  env.respond = serve;
  window.history.replaceState(null, "", "/");
});
afterEach(cleanup);

function serve(asked: RecordedRequest): Response {
  if (!valid.has(tokenOf(asked))) return problemResponse(401, "unauthenticated");
  if (asked.path === "/v1/access/tickets") return json({ ticket: "t", expiresAt: "" }, 201);
  if (asked.path === "/v1/download/jobs") return json({ jobs: [], nextCursor: null });
  if (asked.path === "/v1/download/initiate")
    return json({ jobId: A, status: "queued", totalFileIds: 2, links: {} }, 202);
  return json(status(1));
}

function tokenOf({ headers }: RecordedRequest): string {
  return headers.get("Authorization")?.replace("Bearer ", "") ?? "";
}

/** The grant of a user, and one of several. */
function grant(sub: string, number: number): string {
  const token = `e30.${btoa(JSON.stringify({ iss: "portal", sub, number, grant: { files: [7, 8] } }))}.`;
  valid.add(token);
  return token;
}

function Downloads() {
  const { connection, jobs, start, listProblem } = useDownloadManager();
  const { signedOut, renew } = useAccess();
  return (
    <>
      <button type="button" onClick={() => start()}>
        Download
      </button>
      <output>{signedOut ? "signed out" : `${connection} ${jobs.map(({ percent }) => percent).join()}`}</output>
      <p>{listProblem?.code}</p>
      {signedOut && (
        <button type="button" onClick={renew}>
          Sign in
        </button>
      )}
    </>
  );
}

function page(of: TokenSource) {
  return (
    <StrictMode>
      <Haulage grant={of} baseUrl="http://server" environment={env.environment}>
        <Downloads />
      </Haulage>
    </StrictMode>
  );
}

const pass = (seconds = 0) => act(() => env.clock.advance(seconds));
const shown = () => screen.getByRole("status").textContent;

async function click(name: string): Promise<void> {
  await act(async () => screen.getByRole("button", { name }).click());
  await pass();
}

async function start(): Promise<void> {
  await click("Download");
  await act(async () => {
    env.socket.open();
    env.socket.deliver(status(1));
  });
  await pass(0.1);
}

test("children start all files of a grant and follow them, with nothing else", async () => {
  render(page(grant("user-7", 1)));
  await pass();
  await start();
  expect(env.requests.find(({ path }) => path.endsWith("/initiate"))?.body).toEqual({ file_ids: [7, 8] });
  expect(env.socket.url).toBe("ws://server/v1/download/subscribe?ticket=t");
  expect(shown()).toBe("live 1");
});

test("another grant of the same user goes on over the same socket", async () => {
  const { rerender } = render(page(grant("user-7", 1)));
  await pass();
  await start();
  const second = grant("user-7", 2);
  rerender(page(second));
  await pass();
  expect(env.sockets.filter(({ closed }) => !closed)).toHaveLength(1);
  expect(env.socket.sent.at(-1)).toEqual({ type: "reauth", token: second });
  expect(shown()).toBe("live 1");
});

test("a grant of another user begins anew, and never sends that of the first", async () => {
  const first = grant("user-7", 1);
  const { rerender } = render(page(first));
  await pass();
  await start();
  const [sent, socket] = [env.requests.length, env.socket];
  rerender(page(grant("user-8", 1)));
  await pass();
  expect(socket.closed).toBe(true);
  expect(env.requests.length).toBeGreaterThan(sent);
  expect(env.requests.slice(sent).map(tokenOf)).not.toContain(first);
});

test("a function is not called again because it is another one", async () => {
  let calls = 0;
  const token = grant("user-7", 1);
  const inline = () => () => {
    calls += 1;
    return token;
  };
  const { rerender } = render(page(inline()));
  await pass();
  await start();
  rerender(page(inline()));
  await pass();
  expect(calls).toBe(1);
  expect(env.sockets.filter(({ closed }) => !closed)).toHaveLength(1);
});

test("the page is told when access has ended, and can begin again", async () => {
  let newest = grant("user-7", 1);
  render(page(() => newest));
  await pass();
  await start();
  valid.clear();
  await act(async () => env.socket.disconnect(4401));
  await pass();
  expect(shown()).toBe("signed out");
  const sent = env.requests.length;
  await pass(60);
  expect(env.requests).toHaveLength(sent);
  newest = grant("user-7", 2);
  await click("Sign in");
  await start();
  expect(shown()).toBe("live 1");
  expect(screen.queryByText("unauthenticated")).toBeNull();
});

test("a new string begins again after access has ended", async () => {
  const { rerender } = render(page("unknown"));
  await pass();
  expect(shown()).toBe("signed out");
  rerender(page(grant("user-7", 2)));
  await pass();
  await start();
  expect(shown()).toBe("live 1");
});
