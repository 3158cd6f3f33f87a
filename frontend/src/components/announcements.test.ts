import { expect, test } from "vitest";
import { job, progress } from "../testing/jobs.ts";
import { announcementOf } from "./announcements.ts";

test("every change of status is announced", () => {
  const statuses = ["processing", "retrying", "processing", "completed"] as const;
  let before = job({ status: "queued", percent: null });
  const announced = statuses.map((status) => {
    const after = job({ status, percent: null });
    const text = announcementOf(before, after);
    before = after;
    return text;
  });
  expect(announced).toEqual([
    "photos.zip has started.",
    "photos.zip: an attempt failed and will be retried.",
    "photos.zip has started.",
    "photos.zip is ready to download.",
  ]);
});

test("between them only quarters are announced, and never 100 percent", () => {
  const percents = [1, 24.9, 25, 26, 49, 77, 100];
  let before = job({ percent: 0 });
  const announced = percents.map((percent) => {
    const after = job({ percent });
    const text = announcementOf(before, after);
    before = after;
    return text;
  });
  expect(announced).toEqual([null, null, "photos.zip: 25 percent.", null, null, "photos.zip: 75 percent.", null]);
});

test("a job that appears is not announced", () => {
  expect(announcementOf(undefined, job({ status: "completed" }))).toBeNull();
});

test.each(["resolving", "fetching"] as const)("packing is announced after %s", (phase) => {
  const before = job({ percent: 0 }, progress({ phase }));
  expect(announcementOf(before, job({ percent: 0 }))).toBe("photos.zip: packing.");
});
