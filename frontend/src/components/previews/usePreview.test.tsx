// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeEnvironment, json, problemResponse } from "../../testing/environment.ts";
import { makingStatus, photo, unprocessed } from "../../testing/previews.ts";
import { makingOf, reasonsOf } from "./making.ts";
import { type PreviewFacts, usePreview } from "./usePreview.ts";

let env: FakeEnvironment;
let file: ReturnType<typeof photo>;

beforeEach(() => {
  env = new FakeEnvironment();
  env.respond = ({ path }) => (path.startsWith("/v1/files/") ? json(file) : json(makingStatus(1, 0)));
});
afterEach(cleanup);

const pass = (seconds = 0) => act(() => env.clock.advance(seconds));
const fetches = () => env.requests.filter(({ path }) => path === "/v1/files/10000").length;

async function preview(fileId: number | null = 10_000, known: PreviewFacts | null = null) {
  const rendered = renderHook(() => usePreview(fileId, { client: env.client, known }));
  await pass();
  return rendered;
}

async function deliver(message: object) {
  await act(async () => {
    env.socket.open();
    env.socket.deliver(message);
  });
  await pass(0.1);
}

test("a file whose previews are made is fetched once, and its job is not followed", async () => {
  file = photo();
  const { result } = await preview();
  await preview(); // another component shows it, too
  expect(result.current).toMatchObject({ detail: { thumbnailId: 1 }, isMaking: false, job: undefined });
  expect(fetches()).toBe(1);
  expect(env.sockets).toHaveLength(0);
});

test("without a file nothing is fetched", async () => {
  await preview(null);
  expect(env.requests).toHaveLength(0);
});

test("while previews are made the job is followed, and the file fetched again with each of them", async () => {
  file = unprocessed();
  const { result } = await preview();
  await deliver(makingStatus(1, 0));
  expect(result.current.isMaking).toBe(true);
  expect(makingOf(result.current.job)).toEqual({ done: 0, total: 2, percent: 1, isWaiting: false });
  expect(fetches()).toBe(1);
  file = unprocessed({ thumbnailId: 1 });
  await deliver(makingStatus(2, 1));
  expect(result.current.detail?.thumbnailId).toBe(1);
  expect(result.current.isMaking).toBe(true);
  file = photo();
  await deliver(makingStatus(3, 2, { status: "completed" }));
  expect(result.current.isMaking).toBe(false);
  expect(fetches()).toBe(3);
  await pass(60);
  expect(fetches()).toBe(3);
});

test("a file of a list is fetched only once its previews have changed", async () => {
  file = photo();
  const { thumbnailId, processing } = photo();
  const { result } = await preview(10_000, { thumbnailId, processing });
  expect(result.current).toMatchObject({ thumbnailId: 1, isMaking: false });
  expect(env.requests).toHaveLength(0);
  cleanup();
  const making = await preview(10_000, { thumbnailId: null, processing: unprocessed().processing });
  expect(making.result.current.isMaking).toBe(true);
  await deliver(makingStatus(1, 0));
  expect(fetches()).toBe(0);
  await deliver(makingStatus(2, 2, { status: "completed" }));
  expect(making.result.current).toMatchObject({ thumbnailId: 1, isMaking: false });
  expect(fetches()).toBe(1);
});

test("a list that is newer than the file wins", async () => {
  file = unprocessed();
  await preview();
  const { thumbnailId, processing } = photo();
  const { result } = await preview(10_000, { thumbnailId, processing });
  expect(result.current).toMatchObject({ thumbnailId: 1, isMaking: false });
});

test("a change during a request leads to one more request", async () => {
  file = unprocessed();
  const { result } = await preview();
  await deliver(makingStatus(1, 0));
  const answers: (() => void)[] = [];
  env.respond = () => new Promise((resolve) => answers.push(() => resolve(json(file))));
  await deliver(makingStatus(2, 1));
  await deliver(makingStatus(3, 2));
  await deliver(makingStatus(4, 2, { status: "completed" }));
  expect(answers).toHaveLength(1);
  await act(async () => answers[0]?.());
  await pass();
  expect(answers).toHaveLength(2);
  file = photo();
  await act(async () => answers[1]?.());
  await pass();
  expect(result.current.detail?.thumbnailId).toBe(1);
  expect(answers).toHaveLength(2);
});

test("a file that can't be fetched has a problem, and is fetched again on demand", async () => {
  env.respond = () => problemResponse(410, "file_gone");
  const { result } = await preview();
  expect(result.current.problem?.code).toBe("file_gone");
  file = photo();
  env.respond = () => json(file);
  await act(async () => result.current.reload());
  await pass();
  expect(result.current).toMatchObject({ problem: null, detail: { id: 10_000 } });
});

test("the reasons of all previews that could not be made are named, each once", () => {
  const error = (message: string) => ({ class: "validation", code: "x", message }) as never;
  const processing = { jobId: "x", kind: "image", status: "completed", error: error("It is broken.") } as const;
  expect(reasonsOf(processing, undefined)).toEqual(["It is broken."]);
  const files = ["It is broken.", "It is too large.", null].map((message, index) => ({
    index,
    error: message === null ? null : error(message),
  }));
  const job = { detail: { files } } as never;
  expect(reasonsOf(processing, job)).toEqual(["It is broken.", "It is too large."]);
  expect(reasonsOf(photo().processing, undefined)).toEqual([]);
});
