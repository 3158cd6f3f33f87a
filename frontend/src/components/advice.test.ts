import { expect, test, vi } from "vitest";
import { problem } from "../client/problems.ts";
import { adviceFor } from "./advice.ts";
import { curlCommand } from "./curl.ts";

test.each([
  ["queue_full", 503, /waiting/],
  ["database_busy", 503, /busy/],
  ["unheard_of", 429, /busy/],
  ["unexpected_response", 429, /busy/],
  ["internal", 500, /request ID/],
  ["unheard_of", 418, /administrator/],
  ["result_expired", 410, /rebuild the bundle/],
  ["illegal_transition", 409, /changed in the meantime/],
])("%s (%i) comes with advice", (code, status, advice) => {
  expect(adviceFor(problem(code, { status }))).toMatch(advice);
});

test.each([
  ["2592000", "Downloads are deleted 30 days after they end."],
  ["129600", "Downloads are deleted 36 hours after they end."],
  ["{{job_retention}}", "Downloads are deleted some time after they end."],
])("a job that is not found may have been deleted after what the server says: %s", (jobRetention, sentence) => {
  vi.stubGlobal("document", { documentElement: { dataset: { jobRetention } } });
  expect(adviceFor(problem("job_not_found", { status: 404 }))).toContain(sentence);
  vi.unstubAllGlobals();
});

test("a curl command quotes every name", () => {
  expect(curlCommand("http://x/file", "Bob's '99.zip")).toBe(
    "curl -L --fail -C - -o 'Bob'\\''s '\\''99.zip' 'http://x/file'",
  );
  expect(curlCommand("http://x/file", "a.zip", true)).toBe(
    `curl -L --fail -C - -H "Authorization: Bearer $HAULAGE_TOKEN" -o 'a.zip' 'http://x/file'`,
  );
});
