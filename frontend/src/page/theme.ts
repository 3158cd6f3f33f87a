// Light, dark, or the system's theme, saved in this browser.
import { useState } from "react";
import { loadPreference, savePreference } from "../components/preferences.ts";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const KEY = "haulage.theme";

/** Called before the first render. */
export function applyTheme(theme: Theme = savedTheme()): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(savedTheme);
  const change = (chosen: Theme) => {
    setTheme(chosen);
    savePreference(KEY, chosen);
    applyTheme(chosen);
  };
  return [theme, change];
}

function savedTheme(): Theme {
  return THEMES.find((theme) => theme === loadPreference(KEY)) ?? "system";
}
