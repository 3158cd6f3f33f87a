// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FileDetail } from "../../client/index.ts";
import { FakeEnvironment, json, problemResponse } from "../../testing/environment.ts";
import { derivative, makingStatus, photo, unprocessed } from "../../testing/previews.ts";
import Viewer from "./Viewer.tsx";

let env: FakeEnvironment;
let shown: FileDetail;
let job: object;
const onClose = vi.fn();

beforeEach(() => {
  env = new FakeEnvironment();
  job = makingStatus(1, 2, { status: "completed" });
  env.respond = ({ path }) => {
    if (!path.startsWith("/v1/files/")) return json(job);
    const id = Number(path.split("/")[3]);
    return json({ ...shown, id, name: id === 10_000 ? shown.name : `${id}.jpg` });
  };
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const pass = (seconds = 0) => act(() => env.clock.advance(seconds));
const url = (fileId: number) => `http://server/v1/files/${fileId}/content`;
const img = (name: string) => screen.getByRole<HTMLImageElement>("img", { name });

async function open(file: FileDetail, others: number[] = []) {
  shown = file;
  const files = [10_000, ...others].map((fileId) => ({ fileId, name: `${fileId}.jpg` }));
  const rendered = render(<Viewer client={env.client} files={files} fileId={10_000} onClose={onClose} />);
  await pass();
  if (env.sockets.length > 0) {
    await act(async () => {
      env.socket.open();
      env.socket.deliver(job);
    });
    await pass(0.1);
  }
  return rendered;
}

test("an image is shown in its web size, with its name as text, and the file itself can be downloaded", async () => {
  const { container } = await open(photo());
  expect(screen.getByRole("dialog", { name: "Preview of beach.jpg" })).toBeTruthy();
  expect(img("beach.jpg").src).toBe(url(2));
  expect(container.querySelector<HTMLImageElement>('img[alt=""]')?.src).toBe(url(1)); // until the other is loaded
  fireEvent.load(img("beach.jpg"));
  expect(container.querySelector('img[alt=""]')).toBeNull();
  expect(screen.getByRole<HTMLAnchorElement>("link", { name: "Download" }).href).toBe(`${url(10_000)}?download=1`);
});

test("an image that can't be loaded says so", async () => {
  await open(photo());
  fireEvent.error(img("beach.jpg"));
  expect(screen.getByText("The preview can't be loaded right now.")).toBeTruthy();
});

test("a PDF shows its pages in order with room for each, and its text on demand", async () => {
  vi.stubGlobal("fetch", async (asked: string) => new Response(asked === url(9) ? "Chapter one" : "?"));
  const size = { width: 1000, height: 1414 };
  const pages = [3, 1, 2].map((page) => derivative(page, "page", { page, ...size }));
  const derivatives = [...pages, derivative(9, "text")];
  job = { ...job, processing: { contentType: "application/pdf", pagesTotal: 20 } };
  await open(photo({ contentType: "application/pdf", derivatives }));
  const images = screen.getAllByRole<HTMLImageElement>("img");
  expect(images.map(({ alt, src }) => [alt, src])).toEqual([1, 2, 3].map((page) => [`Page ${page}`, url(page)]));
  expect(images.map((one) => one.getAttribute("loading"))).toEqual(["eager", "lazy", "lazy"]);
  expect(images[0]?.getAttribute("height")).toBe("1414");
  expect(screen.getByText("The first 3 of 20 pages are shown.")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Text" }));
  expect(await screen.findByText("Chapter one")).toBeTruthy();
  expect(screen.queryByRole("img")).toBeNull();
});

test("a video has a player with its poster, which loads no more than it needs", async () => {
  await open(photo({ contentType: "video/mp4", derivatives: [derivative(5, "poster"), derivative(6, "video")] }));
  const player = document.querySelector("video") as HTMLVideoElement;
  expect([player.src, player.getAttribute("poster"), player.preload, player.controls]).toEqual([
    url(6),
    url(5),
    "metadata",
    true,
  ]);
  expect(player.autoplay).toBe(false);
});

test("a long text is read only as far as it is shown", async () => {
  const cancel = vi.fn();
  const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(100_000).fill(97));
  vi.stubGlobal("fetch", async () => new Response(new ReadableStream({ pull, cancel }, { highWaterMark: 0 })));
  await open(photo({ contentType: "text/plain", derivatives: [], thumbnailId: null, processing: null }));
  expect(await screen.findByText("Only the first 256 kB of the text are shown.")).toBeTruthy();
  expect(cancel).toHaveBeenCalled();
});

test("a text that the page may not read can be opened by itself", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("Failed to fetch");
  });
  await open(photo({ contentType: "text/plain", derivatives: [], thumbnailId: null, processing: null }));
  const link = await screen.findByRole<HTMLAnchorElement>("link", { name: "Open it in a new tab" });
  expect(link.href).toBe(url(10_000));
});

test("while previews are made it says how far they are", async () => {
  job = makingStatus(1, 1);
  await open(unprocessed());
  expect(screen.getByText("Making previews… 1 of 2")).toBeTruthy();
  expect(screen.getByRole("progressbar", { name: "Making previews… 1 of 2" })).toBeTruthy();
});

test("why no preview could be made is said, and that the file is there", async () => {
  const error = { class: "validation", code: "x", message: "The image is broken." } as never;
  await open(unprocessed({ processing: { jobId: "x", kind: "image", status: "failed", error } }));
  expect(screen.getByText("No preview could be made")).toBeTruthy();
  expect(screen.getByText("The image is broken.")).toBeTruthy();
  expect(screen.getByText("The file itself is kept as it was uploaded.")).toBeTruthy();
});

test("a file that is gone says so", async () => {
  env.respond = () => problemResponse(410, "file_gone");
  await open(photo());
  expect(screen.getByRole("alert").textContent).toContain("Couldn't load the preview");
});

test("arrows and buttons lead to the other files, and stop at the ends", async () => {
  await open(photo(), [10_001, 10_002]);
  const title = () => screen.getByRole("heading").textContent;
  const press = async (key: string, target: Element = document.body) => {
    fireEvent.keyDown(target, { key });
    await pass();
  };
  expect(screen.getByText("1 of 3")).toBeTruthy();
  await press("ArrowLeft");
  expect(title()).toBe("beach.jpg");
  await press("ArrowRight");
  expect(title()).toBe("10001.jpg");
  expect(screen.getByRole("status").textContent).toBe("10001.jpg, 2 of 3");
  fireEvent.click(screen.getByRole("button", { name: "Next file" }));
  await pass();
  expect(title()).toBe("10002.jpg");
  expect(screen.getByRole("button", { name: "Next file" }).getAttribute("aria-disabled")).toBe("true");
  await press("ArrowRight");
  expect(title()).toBe("10002.jpg");
});

test("in a player the arrows wind, and lead to no other file", async () => {
  await open(photo({ derivatives: [derivative(6, "video")] }), [10_001]);
  fireEvent.keyDown(document.querySelector("video") as Element, { key: "ArrowRight" });
  await pass();
  expect(screen.getByRole("heading").textContent).toBe("beach.jpg");
});

test("closing gives the focus back, and tells whoever has opened it", async () => {
  await open(photo());
  fireEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(onClose).toHaveBeenCalledOnce();
});
