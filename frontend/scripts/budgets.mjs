// Checks the size budgets, in gzipped bytes: the client alone as a bundler would include it, and all scripts of the page.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const CLIENT = 6_000;
const PAGE = 120_000;
const here = fileURLToPath(new URL("..", import.meta.url));
const built = `${here}../app/pages/built/`;
const gzipped = (text) => gzipSync(text, { level: 9 }).length;

const { output } = await build({
  configFile: false,
  root: here,
  logLevel: "error",
  build: {
    write: false,
    minify: true,
    target: "es2022",
    rolldownOptions: { input: "src/client/index.ts", preserveEntrySignatures: "strict" },
  },
});
// Every script counts for the page, unless only the API reference loads it.
const [page, docs] = ["index.html", "docs.html"].map((name) => readFileSync(built + name, "utf8"));
const scripts = readdirSync(`${built}assets`)
  .filter((name) => name.endsWith(".js"))
  .filter((name) => page.includes(name) || !docs.includes(name));
const sizes = [
  ["client", CLIENT, gzipped(output[0].code)],
  ["page", PAGE, scripts.reduce((sum, name) => sum + gzipped(readFileSync(`${built}assets/${name}`)), 0)],
];
for (const [name, budget, size] of sizes) console.log(`${name}: ${size} of ${budget} bytes gzipped`);
if (sizes.some(([, budget, size]) => size > budget)) process.exit(1);
