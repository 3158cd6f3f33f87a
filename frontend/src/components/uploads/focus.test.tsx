// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { UploadItem, UploadState } from "../../uploads/index.ts";
import { useFocusFallback } from "../useFocusFallback.ts";
import { totalsOf } from "./totals.ts";
import { UploadSummary } from "./UploadSummary.tsx";
import { nextFocus } from "./UploadTable.tsx";

afterEach(cleanup);

const ignore = () => {};
const actions = {
  onPause: ignore,
  onResume: ignore,
  onCancel: ignore,
  onRetry: ignore,
  onClear: ignore,
  onPick: ignore,
};

function Summary({ state }: { state: UploadState }) {
  const item: UploadItem = { key: "a", name: "a", size: 1, lastModified: 0, state, bytesSent: 0 };
  return <UploadSummary totals={totalsOf([item])} bytesPerSecond={0} {...actions} />;
}

test("the button that pauses all keeps the focus when it resumes all", () => {
  const { rerender } = render(<Summary state="sending" />);
  screen.getByRole("button", { name: "Pause all" }).focus();
  rerender(<Summary state="paused" />);
  expect(document.activeElement?.textContent).toBe("Resume all");
  rerender(<Summary state="sending" />);
  expect(document.activeElement?.textContent).toBe("Pause all");
});

function List({ names }: { names: readonly string[] }) {
  const focus = useFocusFallback<HTMLElement>(names, nextFocus);
  return (
    <section aria-label="list" {...focus}>
      {names.map((name, index) => (
        <div key={name} data-place={index}>
          <span className="upload-actions">
            <button type="button">
              <b>Retry {name}</b>
            </button>
            <button type="button">Remove {name}</button>
          </span>
        </div>
      ))}
    </section>
  );
}

test("when a row is removed the next one gets the focus, then the one before it, then the list", () => {
  const { rerender } = render(<List names={["a", "b", "c"]} />);
  screen.getByRole("button", { name: "Remove b" }).focus();
  rerender(<List names={["a", "c"]} />);
  expect(document.activeElement?.textContent).toBe("Remove c");
  rerender(<List names={["a"]} />);
  expect(document.activeElement?.textContent).toBe("Remove a");
  rerender(<List names={[]} />);
  expect(document.activeElement?.getAttribute("aria-label")).toBe("list");
});
