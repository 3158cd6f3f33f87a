// Files and folders that were dropped or chosen. Each file is a request to the browser, so many are read at once.

/** A file for upload. `name`: with its folders, from the chosen one on. `handle`: to read it again after a reload. */
export interface ChosenFile {
  file: File;
  name: string;
  handle?: FileSystemFileHandle;
}

/** A file, or the name of a file or folder that could not be read. */
export type Found = ChosenFile | { unreadable: string };

/** A file or folder, in every form in which the browser gives it. Chromium has handles, others have entries. */
interface Entry {
  handle?: FileSystemHandle | null;
  entry?: FileSystemEntry | null;
  file?: File | null;
}

/** What was dropped. Its handle is still to come; some items have none, such as an image of another page. */
export type Source = Omit<Entry, "handle"> & { handle?: Promise<FileSystemHandle | null> };

/** Not yet among TypeScript's types. */
type Item = DataTransferItem & { getAsFileSystemHandle?(): Promise<FileSystemHandle | null> };
type Pickers = {
  showOpenFilePicker?(options: { multiple: boolean }): Promise<FileSystemFileHandle[]>;
  showDirectoryPicker?(): Promise<FileSystemDirectoryHandle>;
};

const AT_ONCE = 64;

/** What was dropped. Has to be called within the event: afterwards the browser forgets it. */
export function droppedSources(items: Iterable<DataTransferItem>): Source[] {
  return [...items]
    .filter(({ kind }) => kind === "file")
    .map((item: Item) => ({
      file: item.getAsFile(),
      entry: item.webkitGetAsEntry?.() ?? null,
      ...(item.getAsFileSystemHandle && { handle: item.getAsFileSystemHandle().catch(() => null) }),
    }));
}

/** Every file in these, folders included, in the order of the folders, in portions of up to 64. */
export function readAll(sources: Iterable<Source>): AsyncGenerator<Found[]> {
  return readEach(entriesOf(sources), "");
}

async function* entriesOf(sources: Iterable<Source>): AsyncGenerator<Entry> {
  for (const source of sources) yield { ...source, handle: (await source.handle) ?? null };
}

async function* readEach(entries: AsyncIterable<Entry>, folder: string): AsyncGenerator<Found[]> {
  let reading: Promise<Found>[] = [];
  try {
    for await (const one of entries) {
      const name = folder + nameOf(one);
      if (isFile(one)) {
        reading.push(readFile(one, name));
        if (reading.length < AT_ONCE) continue;
      }
      yield await Promise.all(reading);
      reading = [];
      if (!isFile(one)) yield* readEach(inside(one), `${name}/`);
    }
  } catch {
    reading.push(Promise.resolve({ unreadable: folder.slice(0, -1) }));
  }
  yield await Promise.all(reading);
}

async function readFile({ handle, entry, file }: Entry, name: string): Promise<Found> {
  try {
    if (handle) return { file: file ?? (await (handle as FileSystemFileHandle).getFile()), name, handle } as ChosenFile;
    if (file) return { file, name };
    return { file: await new Promise<File>((...by) => (entry as FileSystemFileEntry).file(...by)), name };
  } catch {
    return { unreadable: name };
  }
}

function nameOf({ handle, entry, file }: Entry): string {
  return (handle ?? entry ?? file)?.name ?? "";
}

function isFile({ handle, entry }: Entry): boolean {
  return handle ? handle.kind === "file" : (entry?.isFile ?? true);
}

async function* inside({ handle, entry }: Entry): AsyncGenerator<Entry> {
  if (handle) {
    for await (const one of (handle as FileSystemDirectoryHandle).values()) yield { handle: one };
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((...by) => reader.readEntries(...by));
    if (some.length === 0) return;
    for (const one of some) yield { entry: one };
  }
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
      return (await showOpenFilePicker({ multiple: true })).map((handle) => ({ handle: Promise.resolve(handle) }));
    if (kind === "folder" && showDirectoryPicker) return [{ handle: Promise.resolve(await showDirectoryPicker()) }];
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return [];
  }
  return null;
}
