import { expect, test } from "vitest";
import { job, progress } from "../testing/jobs.ts";
import { milestone } from "./milestones.ts";

test("each turn of a job is said", () => {
  const turns = ["processing", "retrying", "processing", "completed"] as const;
  let before = job({ status: "queued", percent: null });
  const said = turns.map((status) => {
    const after = job({ status, percent: null });
    const text = milestone(before, after);
    before = after;
    return text;
  });
  expect(said).toEqual([
    "photos.zip has started.",
    "photos.zip: an attempt failed and will be retried.",
    "photos.zip has started.",
    "photos.zip is ready to download.",
  ]);
});

test("between the turns only quarters are said, and never that all is done", () => {
  const percents = [1, 24.9, 25, 26, 49, 77, 100];
  let before = job({ percent: 0 });
  const said = percents.map((percent) => {
    const after = job({ percent });
    const text = milestone(before, after);
    before = after;
    return text;
  });
  expect(said).toEqual([null, null, "photos.zip: 25 percent.", null, null, "photos.zip: 75 percent.", null]);
});

test("a job that is seen for the first time is no news", () => {
  expect(milestone(undefined, job({ status: "completed" }))).toBeNull();
});

test("packing is said when the files are known", () => {
  const before = job({ percent: 0 }, progress({ phase: "resolving" }));
  expect(milestone(before, job({ percent: 0 }))).toBe("photos.zip: packing.");
});
