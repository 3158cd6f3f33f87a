import { defineConfig } from "vite";

const entry = Object.fromEntries(
  ["client", "uploads", "hooks", "access", "embed"].map((name) => [name, `src/${name}/index.ts`]),
);

/** The client, the hooks and what embeds them as a library: React is the user's own. */
export default defineConfig({
  publicDir: false,
  build: {
    outDir: "dist",
    target: "es2022",
    minify: true,
    lib: { entry, formats: ["es"] },
    rolldownOptions: {
      external: ["react", "react/jsx-runtime"],
      output: { chunkFileNames: "[name]-shared.js", entryFileNames: "[name].js" },
    },
  },
});
