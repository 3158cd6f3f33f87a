// Light, dark, or as the system has it; kept in this browser.
import { useState } from "react";
import { keep, kept } from "./storage.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const KEY = "haulage.theme";

/** Before anything is drawn. */
export function applyTheme(theme: Theme = keptTheme()): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(keptTheme);
  const change = (chosen: Theme) => {
    setTheme(chosen);
    keep(KEY, chosen);
    applyTheme(chosen);
  };
  return [theme, change];
}

function keptTheme(): Theme {
  return THEMES.find((theme) => theme === kept(KEY)) ?? "system";
}
