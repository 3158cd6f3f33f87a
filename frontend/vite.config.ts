import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vitest/config";

const GATEWAY = process.env.HAULAGE_SERVER ?? "http://127.0.0.1:8080";

/** Ships the licences of Swagger UI and of what is bundled in it beside the built files. */
const licences: Plugin = {
  name: "licences",
  apply: "build",
  generateBundle() {
    const texts = ["LICENSE", "NOTICE", "swagger-ui-es-bundle.js.LICENSE.txt"].map((name) =>
      readFileSync(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`)), "utf8"),
    );
    this.emitFile({ type: "asset", fileName: "assets/swagger-ui.LICENSE.txt", source: texts.join("\n") });
  },
};

export default defineConfig({
  plugins: [react(), licences],
  build: {
    outDir: "../app/pages/built",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's policy allows no data: scripts, and files cache better
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "docs.html"] },
    chunkSizeWarningLimit: 2_000, // kB: Swagger UI is one file
  },
  // Scripts load others, and styles, from beside themselves: the gateway knows below which path it is, and they do not.
  experimental: { renderBuiltUrl: (_, { hostType }) => (hostType === "js" ? { relative: true } : undefined) },
  server: {
    proxy: {
      "/v1": { target: GATEWAY, ws: true, changeOrigin: true },
      "/health": { target: GATEWAY, changeOrigin: true },
      "/openapi.json": { target: GATEWAY, changeOrigin: true },
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
