// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FileDetail } from "../../client/index.ts";
import { ClientContext } from "../../hooks/index.ts";
import { FakeEnvironment, json } from "../../testing/environment.ts";
import { makingStatus, photo, unprocessed } from "../../testing/previews.ts";
import type { UploadItem } from "../../uploads/index.ts";
import { useSelection } from "../useSelection.ts";
import { ownRow } from "./rows.ts";
import { UploadTable } from "./UploadTable.tsx";

let env: FakeEnvironment;
let file: FileDetail;
const actions = {
  pause: vi.fn(),
  resume: vi.fn(),
  retry: vi.fn(),
  cancel: vi.fn(),
  forget: vi.fn(),
  pick: vi.fn(),
  view: vi.fn(),
};

beforeEach(() => {
  env = new FakeEnvironment();
  env.respond = () => json(file);
  window.localStorage.clear();
  // There is no layout here: every box is as large as this, so that rows are in the document.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(600);
});
afterEach(cleanup);

const UPLOADED: UploadItem = {
  key: "a",
  name: "holiday/beach.jpg",
  size: 100,
  lastModified: 0,
  state: "completed",
  bytesSent: 100,
  fileId: 10_000,
};
const SENDING: UploadItem = { ...UPLOADED, key: "b", name: "b.jpg", state: "sending", bytesSent: 50 };
delete SENDING.fileId;

function Table({ items }: { items: readonly UploadItem[] }) {
  const rows = items.map(ownRow);
  return (
    <ClientContext.Provider value={env.client}>
      <UploadTable rows={rows} selection={useSelection()} actions={actions} hasMore={false} onEnd={() => {}} />
    </ClientContext.Provider>
  );
}

const pass = (seconds = 0) => act(() => env.clock.advance(seconds));
const upload = (name: string) => document.querySelector(`[data-upload="${name}"]`);

async function show(items: readonly UploadItem[] = [UPLOADED, SENDING]) {
  const rendered = render(<Table items={items} />);
  await pass();
  return rendered;
}

for (const layout of ["List", "Grid"]) {
  test(`in the ${layout} an upload and the making of its previews are one entry, which stays uploaded`, async () => {
    file = unprocessed();
    await show();
    fireEvent.click(screen.getByRole("button", { name: layout }));
    await pass();
    await act(async () => {
      env.socket.open();
      env.socket.deliver(makingStatus(1, 1));
    });
    await pass(0.1);
    expect(upload("a")?.textContent).toContain("Uploaded");
    expect(upload("a")?.textContent).toContain("Making previews… 1 of 2");
    expect(upload("b")?.textContent).toContain("50.0%");
    file = photo();
    await act(async () => env.socket.deliver(makingStatus(2, 2, { status: "completed" })));
    await pass(0.1);
    expect(upload("a")?.textContent).not.toContain("Making");
    expect(upload("a")?.querySelector("img")?.src).toBe("http://server/v1/files/1/content");
    expect(upload("b")?.querySelector("img")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Show holiday/beach.jpg" }));
    expect(actions.view).toHaveBeenCalledWith(expect.objectContaining({ fileId: 10_000 }));
    expect(screen.queryByRole("button", { name: "Show b.jpg" })).toBeNull();
  });

  test(`in the ${layout} a file without a preview says why, and stays uploaded`, async () => {
    const error = { class: "validation", code: "x", message: "The image is broken." } as never;
    file = unprocessed({ processing: { jobId: "x", kind: "image", status: "failed", error } });
    await show();
    fireEvent.click(screen.getByRole("button", { name: layout }));
    await pass();
    expect(upload("a")?.textContent).toContain("No preview: The image is broken.");
    expect(upload("a")?.getAttribute("data-upload-state")).toBe("completed");
    expect(screen.getByRole("checkbox", { name: "Select holiday/beach.jpg" })).toBeTruthy();
  });
}

test("a file of which the list says that it has no previews is not fetched", async () => {
  render(
    <ClientContext.Provider value={env.client}>
      <UploadTable
        rows={[{ ...ownRow(UPLOADED), previews: { thumbnailId: null, processing: null } }]}
        selection={{ files: [], has: () => false, add: vi.fn(), remove: vi.fn(), clear: vi.fn() }}
        actions={actions}
        hasMore={false}
        onEnd={() => {}}
      />
    </ClientContext.Provider>,
  );
  await pass();
  expect(upload("a")).toBeTruthy();
  expect(env.requests).toHaveLength(0);
});
