// Which uploads are meant by files that were chosen for several at once.
import type { UploadItem } from "../../uploads/index.ts";
import type { ChosenFile } from "./chosen.ts";

/**
 * The upload that each file continues: the only one of its size and name, or of several the only one that was last modified
 * at the same time. Folders are compared as far as the browser tells them. Files that may be one of several are left out.
 */
export function matchFiles(items: readonly UploadItem[], files: Iterable<ChosenFile>): { key: string; file: File }[] {
  const groups = new Map<string, UploadItem[]>();
  for (const one of items) {
    const group = `${one.size} ${baseName(one.name)}`;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return [...files].flatMap(({ file, name }) => {
    const group = groups.get(`${file.size} ${baseName(name)}`) ?? [];
    const fitting = group.filter((one) => `/${one.name}`.endsWith(`/${name}`));
    const same = fitting.filter(({ lastModified }) => lastModified === file.lastModified);
    const [found, ...others] = same.length > 0 ? same : fitting;
    if (found === undefined || others.length > 0) return [];
    group.splice(group.indexOf(found), 1);
    return [{ key: found.key, file }];
  });
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
