import { useRef } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { bytes } from "./formats.ts";
import { Icon } from "./Icon.tsx";
import { RowList } from "./RowList.tsx";
import type { Picked, Selection } from "./useSelection.ts";

const HEIGHT = 40;

interface Props {
  selection: Selection;
  /** What the server calls files that were pasted as ids. */
  names: ReadonlyMap<number, Pick<Picked, "name" | "size">>;
}

/** What is selected so far, to look through and to take off again. */
export function SelectionList({ selection, names }: Props) {
  const { files } = selection;
  const head = useRef<HTMLElement>(null);
  const words = texts.form;
  const drop = (fileIds: readonly number[]) => {
    selection.remove(fileIds);
    head.current?.focus(); // what had the focus goes
  };
  return (
    <details className="selection">
      <summary ref={head} aria-live="polite">
        {words.selected(files.length)}
      </summary>
      {files.length > 0 && (
        <>
          <RowList
            label={words.selectedList}
            items={files}
            keyOf={(file) => file.fileId}
            height={HEIGHT}
            render={(file) => (
              <Row file={{ ...file, ...names.get(file.fileId) }} onRemove={() => drop([file.fileId])} />
            )}
          />
          <Button kind="quiet" icon="cross" onClick={() => drop(files.map((file) => file.fileId))}>
            {words.clear}
          </Button>
        </>
      )}
    </details>
  );
}

function Row({ file, onRemove }: { file: Picked; onRemove(): void }) {
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
