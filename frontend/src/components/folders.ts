// The folders that a bundle will have: those in the names of its files.
import type { SelectedFile } from "./useSelection.ts";

export interface Folder {
  /** `photos/2026`; empty for files outside any folder. */
  name: string;
  files: readonly SelectedFile[];
}

/** Files by folder: first those without, then each folder by name. Files keep their order. */
export function foldersOf(files: readonly SelectedFile[]): Folder[] {
  const folders = new Map<string, SelectedFile[]>();
  for (const file of files) {
    const name = folderOf(file.name ?? "");
    folders.set(name, [...(folders.get(name) ?? []), file]);
  }
  return [...folders].map(([name, inside]) => ({ name, files: inside })).sort((a, b) => a.name.localeCompare(b.name));
}

/** The last component of a name. */
export function baseOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The folder of a name; empty if it has none. */
export function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}
