import { useMemo, useRef } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { baseOf, type Folder, foldersOf } from "./folders.ts";
import { bytes } from "./formats.ts";
import { Icon } from "./Icon.tsx";
import { RowList } from "./RowList.tsx";
import { type SelectedFile, type Selection, totalOf } from "./useSelection.ts";

const HEIGHT = 40;

interface Props {
  selection: Selection;
  /** The selected files, with what the server knows of those that were pasted as ids. */
  files: readonly SelectedFile[];
}

/** The selected files by folder, as they will be in the bundle, and their total. Each can be removed again. */
export function SelectionList({ selection, files }: Props) {
  const head = useRef<HTMLElement>(null);
  const rows = useMemo(() => rowsOf(foldersOf(files)), [files]);
  const text = texts.form;
  const remove = (fileIds: readonly number[]) => {
    selection.remove(fileIds);
    head.current?.focus(); // the focused button disappears
  };
  return (
    <details className="selection">
      <summary ref={head} aria-live="polite">
        {text.selected(files.length)}
        {files.length > 0 && <span className="total">{totalText(files)}</span>}
      </summary>
      {files.length > 0 && (
        <>
          <RowList
            label={text.selectedList}
            items={rows}
            keyOf={(row) => ("fileId" in row ? row.fileId : `/${row.name}`)}
            height={HEIGHT}
            render={(row) =>
              "fileId" in row ? (
                <FileEntry file={row} onRemove={() => remove([row.fileId])} />
              ) : (
                <FolderEntry folder={row} onRemove={() => remove(row.files.map((file) => file.fileId))} />
              )
            }
          />
          <Button kind="quiet" icon="cross" onClick={() => remove(files.map((file) => file.fileId))}>
            {text.clear}
          </Button>
        </>
      )}
    </details>
  );
}

/** Each folder before its files; files that have no folder are not headed if there are no folders. */
function rowsOf(folders: readonly Folder[]): (Folder | SelectedFile)[] {
  if (folders.length === 1 && folders[0]?.name === "") return [...folders[0].files];
  return folders.flatMap((folder) => [folder, ...folder.files]);
}

function totalText(files: readonly SelectedFile[]): string {
  const total = totalOf(files);
  return total.bytes === 0 && !total.isComplete ? "" : texts.form.size(bytes(total.bytes), total.isComplete);
}

function FolderEntry({ folder, onRemove }: { folder: Folder; onRemove(): void }) {
  const text = texts.form;
  const name = folder.name || text.topFolder;
  return (
    <div className="choice folder">
      <Icon name="folder" />
      <span className="choice-name" title={name}>
        {name}
      </span>
      <span className="fine">{text.inFolder(folder.files.length, totalText(folder.files) || "–")}</span>
      <button type="button" className="icon-button" aria-label={text.removeFolder(name)} onClick={onRemove}>
        <Icon name="cross" />
      </button>
    </div>
  );
}

function FileEntry({ file, onRemove }: { file: SelectedFile; onRemove(): void }) {
  const name = file.name ?? texts.form.unnamed(file.fileId);
  return (
    <div className="choice">
      <span className="choice-name" title={name}>
        {baseOf(name)}
      </span>
      {file.name !== null && <span className="fine">{file.fileId}</span>}
      <span className="choice-size">{file.size === null ? "" : bytes(file.size)}</span>
      <button type="button" className="icon-button" aria-label={texts.form.remove(name)} onClick={onRemove}>
        <Icon name="cross" />
      </button>
    </div>
  );
}
