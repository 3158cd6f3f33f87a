import { useRef } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { bytes } from "./formats.ts";
import { Icon } from "./Icon.tsx";
import { RowList } from "./RowList.tsx";
import type { SelectedFile, Selection } from "./useSelection.ts";

const HEIGHT = 40;

interface Props {
  selection: Selection;
  /** Names and sizes from the server, for files that were pasted as ids. */
  names: ReadonlyMap<number, Pick<SelectedFile, "name" | "size">>;
}

/** The selected files, which can be removed again. */
export function SelectionList({ selection, names }: Props) {
  const { files } = selection;
  const head = useRef<HTMLElement>(null);
  const text = texts.form;
  const remove = (fileIds: readonly number[]) => {
    selection.remove(fileIds);
    head.current?.focus(); // the focused button disappears
  };
  return (
    <details className="selection">
      <summary ref={head} aria-live="polite">
        {text.selected(files.length)}
      </summary>
      {files.length > 0 && (
        <>
          <RowList
            label={text.selectedList}
            items={files}
            keyOf={(file) => file.fileId}
            height={HEIGHT}
            render={(file) => (
              <Row file={{ ...file, ...names.get(file.fileId) }} onRemove={() => remove([file.fileId])} />
            )}
          />
          <Button kind="quiet" icon="cross" onClick={() => remove(files.map((file) => file.fileId))}>
            {text.clear}
          </Button>
        </>
      )}
    </details>
  );
}

function Row({ file, onRemove }: { file: SelectedFile; onRemove(): void }) {
  const name = file.name ?? texts.form.unnamed(file.fileId);
  return (
    <div className="choice">
      <span className="choice-name" title={name}>
        {name}
      </span>
      {file.name !== null && <span className="fine">{file.fileId}</span>}
      <span className="choice-size">{file.size === null ? "" : bytes(file.size)}</span>
      <button type="button" className="icon-button" aria-label={texts.form.remove(name)} onClick={onRemove}>
        <Icon name="cross" />
      </button>
    </div>
  );
}
