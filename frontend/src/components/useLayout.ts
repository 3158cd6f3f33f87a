// How lists of files are shown. One choice for all of them, saved in this browser.
import { useState } from "react";
import { loadPreference, savePreference } from "./preferences.ts";

export const LAYOUTS = ["list", "grid"] as const;
export type Layout = (typeof LAYOUTS)[number];
const KEY = "haulage.layout";

export function useLayout(): [Layout, (layout: Layout) => void] {
  const [layout, setLayout] = useState(savedLayout);
  const change = (chosen: Layout) => {
    setLayout(chosen);
    savePreference(KEY, chosen);
  };
  return [layout, change];
}

function savedLayout(): Layout {
  return LAYOUTS.find((layout) => layout === loadPreference(KEY)) ?? "list";
}
