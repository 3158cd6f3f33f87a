// Holds the budgets: gzipped bytes of the client alone, as a user's bundler would make it, and of all scripts of the page.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const CLIENT = 6_000;
const PAGE = 120_000;
const here = fileURLToPath(new URL("..", import.meta.url));
const assets = `${here}../app/pages/built/assets/`;
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
const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
const sizes = [
  ["client", CLIENT, gzipped(output[0].code)],
  ["page", PAGE, scripts.reduce((sum, name) => sum + gzipped(readFileSync(assets + name)), 0)],
];
for (const [name, budget, size] of sizes) console.log(`${name}: ${size} of ${budget} bytes gzipped`);
if (sizes.some(([, budget, size]) => size > budget)) process.exit(1);
