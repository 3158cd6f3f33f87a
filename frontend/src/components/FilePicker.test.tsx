// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CatalogueFile } from "../client/index.ts";
import { FakeEnvironment, json } from "../testing/environment.ts";
import { photo } from "../testing/previews.ts";
import { FilePicker } from "./FilePicker.tsx";
import { useSelection } from "./useSelection.ts";

const FILES: CatalogueFile[] = [
  photo(),
  photo({ id: 10_001, name: "archive.zip", contentType: "application/zip", thumbnailId: null }),
  photo({ id: 10_002, name: "notes.txt", contentType: "text/plain", thumbnailId: null }),
];
let env: FakeEnvironment;

beforeEach(() => {
  env = new FakeEnvironment();
  env.respond = ({ path }) =>
    json(path === "/v1/download/files" ? { files: FILES, nextCursor: null } : photo({ processing: null }));
  window.localStorage.clear();
  // There is no layout here: every box is as large as this, so that rows are in the document.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(400);
});
afterEach(cleanup);

function Picker() {
  const manager = { client: env.client, files: env.client.files.bind(env.client) };
  return <FilePicker manager={manager} selection={useSelection()} />;
}

async function show() {
  const rendered = render(<Picker />);
  await vi.waitFor(() => screen.getByRole("checkbox", { name: /beach/ }));
  return rendered;
}

const button = (name: string) => screen.getByRole("button", { name });

test("files with a preview have a button that shows it, and their thumbnail", async () => {
  const { container } = await show();
  const images = [...container.querySelectorAll("img")];
  expect(images.map((image) => [image.src, image.alt, image.getAttribute("loading")])).toEqual([
    ["http://server/v1/files/1/content", "", "lazy"],
  ]);
  expect(button("Show notes.txt")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Show archive.zip" })).toBeNull();
  fireEvent.click(button("Show holiday/beach.jpg"));
  const dialog = await screen.findByRole("dialog");
  expect(dialog.textContent).toContain("1 of 2"); // the archive is skipped
  expect(screen.getByRole<HTMLInputElement>("checkbox", { name: /beach/, hidden: true }).checked).toBe(false);
});

test("an image that can't be loaded gives way to an icon, and is requested again twice", async () => {
  const { container } = await show();
  vi.useFakeTimers();
  for (const isRequestedAgain of [true, true, false]) {
    fireEvent.error(container.querySelector("img") as Element);
    expect(container.querySelector("img")).toBeNull();
    expect(button("Show holiday/beach.jpg").querySelector("svg")).toBeTruthy();
    await act(() => vi.advanceTimersByTimeAsync(4_000));
    expect(container.querySelector("img") !== null).toBe(isRequestedAgain);
  }
  vi.useRealTimers();
});

test("a grid shows the same files, and is remembered", async () => {
  await show();
  expect(button("List").getAttribute("aria-pressed")).toBe("true");
  fireEvent.click(button("Grid"));
  await act(async () => fireEvent.click(screen.getByRole("checkbox", { name: /archive/ })));
  expect(document.querySelectorAll(".card-choice")).toHaveLength(3);
  expect(document.querySelector(".card-choice[data-selected]")?.textContent).toContain("archive.zip");
  cleanup();
  await show();
  expect(button("Grid").getAttribute("aria-pressed")).toBe("true");
  expect(document.querySelectorAll(".card-choice")).toHaveLength(3);
});

test("a search in texts sends the words, and shows where they are", async () => {
  const asked: string[] = [];
  env.respond = ({ path, query }) => {
    asked.push(`${path}?${query}`);
    return json({ files: [photo({ snippet: "the lease of the house" })], nextCursor: null });
  };
  await show();
  fireEvent.click(screen.getByRole("checkbox", { name: /In the text of PDFs/ }));
  fireEvent.change(screen.getByRole("searchbox"), { target: { value: "lease house" } });
  await vi.waitFor(() => expect(asked.at(-1)).toContain("text=lease"));
  expect(asked.at(-1)).not.toContain("q=");
  expect(screen.getByText("the lease of the house").tagName).toBe("SMALL");
});
