// What this browser keeps of somebody's wishes. It may refuse to: then they hold until the page is closed.

export function kept(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // nothing depends on it
  }
}
