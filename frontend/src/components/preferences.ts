// Preferences in localStorage. If the browser denies access, they last until the page is closed.

export function loadPreference(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function savePreference(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // the preference is lost on reload
  }
}
