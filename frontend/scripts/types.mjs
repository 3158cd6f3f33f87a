// Makes src/client/openapi.ts of the server's OpenAPI document, which comes in on standard input.
// With --check it only compares: the file that is there must be the one that would be made.
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import openapi, { astToString } from "openapi-typescript";

const PLACE = fileURLToPath(new URL("../src/client/openapi.ts", import.meta.url));
const HEADER = "// Made of the server's OpenAPI document by `make types`: not to be changed by hand.\n\n";

const document = JSON.parse(await text(process.stdin));
const made = HEADER + astToString(await openapi(document));
if (!process.argv.includes("--check")) {
  writeFileSync(PLACE, made);
} else if (readFileSync(PLACE, "utf8") !== made) {
  console.error("frontend/src/client/openapi.ts is not what the server's OpenAPI document says: run `make types`.");
  process.exit(1);
}
