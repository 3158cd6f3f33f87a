import { expect, test } from "vitest";
import { problem } from "../client/problems.ts";
import { adviceOn } from "./advice.ts";
import { curlOf } from "./curls.ts";

test.each([
  ["queue_full", 503, /waiting/],
  ["database_busy", 503, /busy/],
  ["unheard_of", 429, /busy/],
  ["not_ours", 429, /busy/],
  ["internal", 500, /request id/],
  ["unheard_of", 418, /whoever runs/],
  ["result_expired", 410, /made anew/],
  ["illegal_transition", 409, /moved on/],
])("%s (%i) comes with what to do", (code, status, advice) => {
  expect(adviceOn(problem(code, { status }))).toMatch(advice);
});

test("a line for the shell survives every name", () => {
  expect(curlOf("http://x/file", "Bob's '99.zip")).toBe(
    "curl -L --fail -C - -o 'Bob'\\''s '\\''99.zip' 'http://x/file'",
  );
});
