import { useId, useState } from "react";
import type { CatalogueFile } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
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
            render={(file) => <FileChoice file={file} selection={selection} />}
            onEnd={loadMore}
          />
          <div className="actions">
            <Button kind="quiet" icon="check" onClick={() => selection.add(files.map(selectedFile))}>
              {text.addAll}
            </Button>
            {loading && cursor !== null && <span className="fine">{text.more}</span>}
          </div>
        </>
      )}
    </div>
  );
}

function FileChoice({ file, selection }: { file: CatalogueFile; selection: Selection }) {
  const { id, name, size } = file;
  const selected = selection.has(id);
  const toggle = () => (selected ? selection.remove([id]) : selection.add([selectedFile(file)]));
  return (
    <label className="choice" data-selected={selected || undefined}>
      <input type="checkbox" checked={selected} onChange={toggle} />
      <span className="choice-name" title={name}>
        {name}
      </span>
      <span className="fine">{id}</span>
      <span className="choice-size">{bytes(size)}</span>
    </label>
  );
}

function selectedFile({ id, name, size }: CatalogueFile): SelectedFile {
  return { fileId: id, name, size };
}
