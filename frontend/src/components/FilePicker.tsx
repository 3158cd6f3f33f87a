import { type ChangeEvent, type MouseEvent, useId, useRef, useState } from "react";
import type { CatalogueFile } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { baseOf, folderOf } from "./folders.ts";
import { bytes } from "./formats.ts";
import { Icon } from "./Icon.tsx";
import { ProblemNotice } from "./ProblemNotice.tsx";
import { RowList } from "./RowList.tsx";
import { useCatalogue } from "./useCatalogue.ts";
import type { SelectedFile, Selection } from "./useSelection.ts";

const HEIGHT = 44;

/** Selects files from the catalogue, with a search by name. */
export function FilePicker({ search, selection }: { search: DownloadManager["files"]; selection: Selection }) {
  const id = useId();
  const [q, setQ] = useState("");
  const { files, problem, loading, cursor, loadMore, retry } = useCatalogue(search, q);
  const text = texts.form;
  const anchor = useRef(0);
  /** Selects or removes one file, or with `extend` all from the last one to this one. */
  const choose = (index: number, extend: boolean) => {
    const file = files[index] as CatalogueFile;
    const [from, to] = extend ? [Math.min(anchor.current, index), Math.max(anchor.current, index)] : [index, index];
    const range = files.slice(from, to + 1);
    if (extend || !selection.has(file.id)) selection.add(range.map(selectedFile));
    else selection.remove([file.id]);
    anchor.current = index;
  };
  const empty = files.length === 0 && !problem;
  return (
    <div className="picker">
      <label htmlFor={id}>{text.search}</label>
      <div className="search">
        <Icon name="search" />
        <input
          id={id}
          type="search"
          value={q}
          placeholder={text.searchHint}
          onChange={(event) => setQ(event.target.value)}
        />
      </div>
      {problem && <ProblemNotice action="files" problem={problem} onRetry={retry} />}
      {empty && <p className="empty">{loading ? text.searching : q.trim() === "" ? text.empty : text.none}</p>}
      {files.length > 0 && (
        <>
          <RowList
            label={text.results}
            items={files}
            keyOf={(file) => file.id}
            height={HEIGHT}
            render={(file, index) => (
              <FileChoice file={file} selected={selection.has(file.id)} onChoose={(extend) => choose(index, extend)} />
            )}
            onEnd={loadMore}
            isPartial={cursor !== null}
          />
          <div className="actions">
            <Button kind="quiet" icon="check" onClick={() => selection.add(files.map(selectedFile))}>
              {text.addAll}
            </Button>
            {loading && cursor !== null ? (
              <span className="fine">{text.more}</span>
            ) : (
              <span className="fine range-hint">{text.rangeHint}</span>
            )}
          </div>
        </>
      )}
    </div>
  );
}

interface ChoiceProps {
  file: CatalogueFile;
  selected: boolean;
  onChoose(extend: boolean): void;
}

function FileChoice({ file: { id, name, size }, selected, onChoose }: ChoiceProps) {
  const onChange = ({ nativeEvent }: ChangeEvent) => onChoose((nativeEvent as globalThis.MouseEvent).shiftKey === true);
  /** Not every browser passes a click with Shift on from a label to its box. */
  const onClick = (event: MouseEvent) => {
    if (!event.shiftKey || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    onChoose(true);
  };
  return (
    <label className="choice" data-selected={selected || undefined} onClick={onClick}>
      <input type="checkbox" checked={selected} onChange={onChange} />
      <span className="choice-name" title={name}>
        {baseOf(name)}
        {folderOf(name) !== "" && <small>{folderOf(name)}</small>}
      </span>
      <span className="fine">{id}</span>
      <span className="choice-size">{bytes(size)}</span>
    </label>
  );
}

function selectedFile({ id, name, size }: CatalogueFile): SelectedFile {
  return { fileId: id, name, size };
}
