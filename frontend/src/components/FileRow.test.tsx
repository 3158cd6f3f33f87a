// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { FileView } from "../client/index.ts";
import { file } from "../testing/jobs.ts";
import { FileRow } from "./FileRow.tsx";

afterEach(cleanup);

function status(more: Partial<FileView>, ended: boolean): string | null | undefined {
  render(<FileRow file={file(0, more)} ended={ended} index={0} top={0} measure={() => undefined} />);
  const text = screen.getByRole("row").querySelector(".file-status")?.textContent;
  cleanup();
  return text;
}

test("a file that a running job has not finished is pending, or shows how far it is", () => {
  expect(status({ status: "pending" }, false)).toBe("Pending");
  expect(status({ status: "active", bytesDone: 500, size: 1_000 }, false)).toBe("50.0%");
});

test("a file that an ended job has not finished was not started, or stopped", () => {
  expect(status({ status: "pending" }, true)).toBe("Not started");
  expect(status({ status: "active", bytesDone: 500, size: 1_000 }, true)).toBe("Stopped");
  expect(status({ status: "done" }, true)).toBe("Done");
  expect(status({ status: "omitted" }, true)).toBe("Skipped");
});
