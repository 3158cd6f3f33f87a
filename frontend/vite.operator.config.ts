import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import pages from "./vite.config.ts";

/**
 * The operators' page, after the others and beside them. In one build with them it would share scripts with the users'
 * page, which would then be 3 kB larger for being in pieces.
 */
export default defineConfig({
  ...pages,
  plugins: [react()],
  build: { ...pages.build, emptyOutDir: false, rolldownOptions: { input: ["operator.html"] } },
});
