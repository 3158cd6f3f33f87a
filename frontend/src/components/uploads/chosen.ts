// Files and folders that were dropped or chosen, read one after the other.

/** A file for upload. `name`: with its folders, from the chosen one on. `handle`: to read it again after a reload. */
export interface ChosenFile {
  file: File;
  name: string;
  handle?: FileSystemFileHandle;
}

/** A file, or the name of a file or folder that could not be read. */
export type Found = ChosenFile | { unreadable: string };

/** What was dropped: a handle in Chromium, else an entry, or a file where the browser knows neither. */
export type Source = Promise<FileSystemHandle | null> | FileSystemEntry | File;

/** Not yet among TypeScript's types. */
type Item = DataTransferItem & { getAsFileSystemHandle?(): Promise<FileSystemHandle | null> };
type Pickers = {
  showOpenFilePicker?(options: { multiple: boolean }): Promise<FileSystemFileHandle[]>;
  showDirectoryPicker?(): Promise<FileSystemDirectoryHandle>;
};

/** What was dropped. Has to be called within the event: afterwards the browser forgets it. */
export function droppedSources(items: Iterable<DataTransferItem>): Source[] {
  return [...items].filter(({ kind }) => kind === "file").flatMap((item) => sourceOf(item) ?? []);
}

function sourceOf(item: Item): Source | null {
  const file = item.getAsFile();
  const entry = item.webkitGetAsEntry?.() ?? null;
  const other = entry?.isDirectory ? entry : (file ?? entry);
  if (item.getAsFileSystemHandle === undefined) return other;
  const handle = item.getAsFileSystemHandle().catch(() => null);
  return other === null ? handle : withFallback(handle, other);
}

const fallbacks = new WeakMap<object, FileSystemEntry | File>();

/** Some items have no handle, such as an image that was dragged from another page. */
function withFallback(handle: Promise<FileSystemHandle | null>, other: FileSystemEntry | File): Source {
  fallbacks.set(handle, other);
  return handle;
}

/** Every file in these, folders included, in the order of the folders. */
export async function* readAll(sources: Iterable<Source>): AsyncGenerator<Found> {
  for (const source of sources) {
    if (!(source instanceof Promise)) yield* read(source);
    else {
      const handle = (await source) ?? fallbacks.get(source);
      if (handle !== undefined) yield* "kind" in handle ? readHandle(handle, "") : read(handle);
    }
  }
}

function read(source: FileSystemEntry | File): AsyncGenerator<Found> | Found[] {
  return source instanceof File ? [{ file: source, name: source.name }] : readEntry(source, "");
}

async function* readHandle(handle: FileSystemHandle, folder: string): AsyncGenerator<Found> {
  const name = folder + handle.name;
  try {
    if (isFile(handle)) yield { file: await handle.getFile(), name, handle };
    else
      for await (const inside of (handle as FileSystemDirectoryHandle).values()) yield* readHandle(inside, `${name}/`);
  } catch {
    yield { unreadable: name };
  }
}

function isFile(handle: FileSystemHandle): handle is FileSystemFileHandle {
  return handle.kind === "file";
}

async function* readEntry(entry: FileSystemEntry, folder: string): AsyncGenerator<Found> {
  const name = folder + entry.name;
  try {
    if (entry.isFile) yield { file: await fileOf(entry as FileSystemFileEntry), name };
    else {
      const reader = (entry as FileSystemDirectoryEntry).createReader();
      for (;;) {
        const inside = await entriesOf(reader); // some, until there are no more
        if (inside.length === 0) break;
        for (const one of inside) yield* readEntry(one, `${name}/`);
      }
    }
  } catch {
    yield { unreadable: name };
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function entriesOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/** The files of an `<input type="file">`, also of one that chooses a folder. */
export function inputFiles(files: Iterable<File>): ChosenFile[] {
  return [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
}

/**
 * Lets the user choose files, or a folder, with handles. An empty array if the user closes the dialog; null if this
 * browser can't do it: then an `<input>` can.
 */
export async function pickSources(kind: "files" | "folder"): Promise<Source[] | null> {
  const { showOpenFilePicker, showDirectoryPicker } = window as Pickers;
  try {
    if (kind === "files" && showOpenFilePicker)
      return (await showOpenFilePicker({ multiple: true })).map((handle) => Promise.resolve(handle));
    if (kind === "folder" && showDirectoryPicker) return [Promise.resolve(await showDirectoryPicker())];
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return [];
  }
  return null;
}
