// Checks the size budgets, in gzipped bytes: the client alone as a bundler would include it, what uploads (with the script
// of their worker), access with a token and `<Haulage>` add to it, the scripts that the page begins with, those that it
// loads for the view of uploads and for the viewer of previews, and all of the operators' page.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const CLIENT = 6_000;
const UPLOADS = 10_600;
const ACCESS = 1_650;
const EMBED = 700;
const PAGE = 120_000;
const UPLOADS_VIEW = 21_500;
const VIEWER = 5_000;
const OPERATORS_PAGE = 105_000;
const here = fileURLToPath(new URL("..", import.meta.url));
const built = `${here}../app/pages/built/`;
const gzipped = (text) => gzipSync(text, { level: 9 }).length;

/** Builds these entry points together, so that what they share is counted once. Returns their sizes by name. */
async function sizesOf(input) {
  const { output } = await build({
    configFile: false,
    root: here,
    logLevel: "error",
    build: {
      write: false,
      minify: true,
      target: "es2022",
      rolldownOptions: { input, external: ["react", "react/jsx-runtime"], preserveEntrySignatures: "strict" },
    },
  });
  const sizes = {};
  for (const { name = "worker", code, source } of output) {
    sizes[name] = Math.max(sizes[name] ?? 0, gzipped(code ?? source)); // some only re-export
  }
  return sizes;
}

// Every script counts for the page, unless only other pages load it.
const [page, operator, docs] = ["index.html", "operator.html", "docs.html"].map((name) =>
  readFileSync(built + name, "utf8"),
);
const scripts = readdirSync(`${built}assets`).filter((name) => name.endsWith(".js"));
const first = scripts.filter((name) => page.includes(name));
const later = scripts.filter((name) => ![page, operator, docs].some((html) => html.includes(name)));
const viewer = later.filter((name) => name.startsWith("Viewer"));
const total = (names) => names.reduce((sum, name) => sum + gzipped(readFileSync(`${built}assets/${name}`)), 0);
const entries = ["client", "uploads", "access", "hooks", "embed"].map((name) => [name, `src/${name}/index.ts`]);
const client = await sizesOf(Object.fromEntries(entries.slice(0, 1)));
const added = await sizesOf(Object.fromEntries(entries));
const sizes = [
  ["client", CLIENT, client.client],
  ["uploads", UPLOADS, added.uploads + added.worker],
  ["access", ACCESS, added.access],
  ["embed", EMBED, added.embed],
  ["page", PAGE, total(first)],
  ["view of uploads", UPLOADS_VIEW, total(later.filter((name) => !viewer.includes(name)))],
  ["viewer", VIEWER, total(viewer)],
  ["operators' page", OPERATORS_PAGE, total(scripts.filter((name) => operator.includes(name)))],
];
for (const [name, budget, size] of sizes) console.log(`${name}: ${size} of ${budget} bytes gzipped`);
if (sizes.some(([, budget, size]) => size > budget)) process.exit(1);
