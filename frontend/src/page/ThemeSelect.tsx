import { texts } from "../texts.ts";
import { THEMES, type Theme, useTheme } from "./theme.ts";

/** Light, dark, or as the system is. */
export function ThemeSelect() {
  const [theme, setTheme] = useTheme();
  return (
    <select
      className="themes"
      aria-label={texts.theme.label}
      value={theme}
      onChange={(event) => setTheme(event.target.value as Theme)}
    >
      {THEMES.map((one) => (
        <option key={one} value={one}>
          {texts.theme[one]}
        </option>
      ))}
    </select>
  );
}
