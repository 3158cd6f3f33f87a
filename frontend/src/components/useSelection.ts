import { useCallback, useMemo, useState } from "react";

/** A file that is picked: name and bytes where the catalogue told them, null for one that was pasted as an id. */
export interface Picked {
  fileId: number;
  name: string | null;
  size: number | null;
}

export interface Selection {
  files: readonly Picked[];
  has(fileId: number): boolean;
  add(files: readonly Picked[]): void;
  remove(fileIds: readonly number[]): void;
  clear(): void;
}

/** The files of the next download, in the order in which they were picked. */
export function useSelection(): Selection {
  const [picked, setPicked] = useState<ReadonlyMap<number, Picked>>(new Map());
  const add = useCallback((files: readonly Picked[]) => setPicked((all) => joined(all, files)), []);
  const remove = useCallback((fileIds: readonly number[]) => {
    const gone = new Set(fileIds);
    setPicked((all) => new Map([...all].filter(([fileId]) => !gone.has(fileId))));
  }, []);
  const clear = useCallback(() => setPicked(new Map()), []);
  return useMemo(
    () => ({ files: [...picked.values()], has: (fileId: number) => picked.has(fileId), add, remove, clear }),
    [picked, add, remove, clear],
  );
}

/** One that is picked twice keeps its place, and what was known of it. */
function joined(all: ReadonlyMap<number, Picked>, files: readonly Picked[]): ReadonlyMap<number, Picked> {
  const next = new Map(all);
  for (const file of files) {
    const known = next.get(file.fileId);
    next.set(file.fileId, { ...file, name: file.name ?? known?.name ?? null, size: file.size ?? known?.size ?? null });
  }
  return next;
}
