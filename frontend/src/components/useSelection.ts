import { useCallback, useMemo, useState } from "react";

export interface SelectionTotal {
  /** Bytes of the files whose size is known. */
  bytes: number;
  /** Whether that is all of them. */
  isComplete: boolean;
}

/** The size of these files together. */
export function totalOf(files: readonly SelectedFile[]): SelectionTotal {
  return {
    bytes: files.reduce((sum, { size }) => sum + (size ?? 0), 0),
    isComplete: files.every(({ size }) => size !== null),
  };
}

/** A selected file. Name and size (bytes) come from the catalogue; null for pasted ids. */
export interface SelectedFile {
  fileId: number;
  name: string | null;
  size: number | null;
}

export interface Selection {
  files: readonly SelectedFile[];
  has(fileId: number): boolean;
  add(files: readonly SelectedFile[]): void;
  remove(fileIds: readonly number[]): void;
  clear(): void;
}

/** The files of the next download, in the order of selection. */
export function useSelection(): Selection {
  const [selected, setSelected] = useState<ReadonlyMap<number, SelectedFile>>(new Map());
  const add = useCallback((files: readonly SelectedFile[]) => setSelected((all) => merge(all, files)), []);
  const remove = useCallback((fileIds: readonly number[]) => {
    const removed = new Set(fileIds);
    setSelected((all) => new Map([...all].filter(([fileId]) => !removed.has(fileId))));
  }, []);
  const clear = useCallback(() => setSelected(new Map()), []);
  return useMemo(
    () => ({ files: [...selected.values()], has: (fileId: number) => selected.has(fileId), add, remove, clear }),
    [selected, add, remove, clear],
  );
}

/** A file that is added twice keeps its position, name and size. */
function merge(
  all: ReadonlyMap<number, SelectedFile>,
  files: readonly SelectedFile[],
): ReadonlyMap<number, SelectedFile> {
  const next = new Map(all);
  for (const file of files) {
    const known = next.get(file.fileId);
    next.set(file.fileId, { ...file, name: file.name ?? known?.name ?? null, size: file.size ?? known?.size ?? null });
  }
  return next;
}
