import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const GATEWAY = process.env.HAULAGE_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../app/pages/built",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's policy allows no data: scripts, and files cache better
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/v1": { target: GATEWAY, ws: true, changeOrigin: true },
      "/health": { target: GATEWAY, changeOrigin: true },
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
