import { defineConfig } from "vite";

/** The client and the hooks as a library: React is the user's own. */
export default defineConfig({
  publicDir: false,
  build: {
    outDir: "dist",
    target: "es2022",
    minify: true,
    lib: { entry: { client: "src/client/index.ts", hooks: "src/hooks/index.ts" }, formats: ["es"] },
    rolldownOptions: {
      external: ["react", "react/jsx-runtime"],
      output: { chunkFileNames: "shared.js", entryFileNames: "[name].js" },
    },
  },
});
