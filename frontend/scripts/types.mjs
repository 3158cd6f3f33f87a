// Generates src/client/openapi.ts from the server's OpenAPI document on standard input.
// With --check it fails if the existing file differs.
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import openapi, { astToString } from "openapi-typescript";

const PATH = fileURLToPath(new URL("../src/client/openapi.ts", import.meta.url));
const HEADER = "// Generated from the server's OpenAPI document by `make types`. Do not edit.\n\n";

const document = JSON.parse(await text(process.stdin));
const generated = HEADER + astToString(await openapi(document));
if (!process.argv.includes("--check")) {
  writeFileSync(PATH, generated);
} else if (readFileSync(PATH, "utf8") !== generated) {
  console.error("frontend/src/client/openapi.ts does not match the server's OpenAPI document: run `make types`.");
  process.exit(1);
}
