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
import type { Picked, Selection } from "./useSelection.ts";

const HEIGHT = 44;

/** Picks files out of the catalogue, by a part of their names. */
export function FilePicker({ ask, selection }: { ask: DownloadManager["files"]; selection: Selection }) {
  const id = useId();
  const [q, setQ] = useState("");
  const { files, problem, loading, cursor, more, again } = useCatalogue(ask, q);
  const words = texts.form;
  const empty = files.length === 0 && !problem;
  return (
    <div className="picker">
      <label htmlFor={id}>{words.search}</label>
      <div className="search">
        <Icon name="search" />
        <input
          id={id}
          type="search"
          value={q}
          placeholder={words.searchHint}
          onChange={(event) => setQ(event.target.value)}
        />
      </div>
      {problem && <ProblemNotice action="files" problem={problem} onAgain={again} />}
      {empty && <p className="empty">{loading ? words.searching : q.trim() === "" ? words.empty : words.none}</p>}
      {files.length > 0 && (
        <>
          <RowList
            label={words.results}
            items={files}
            keyOf={(file) => file.id}
            height={HEIGHT}
            render={(file) => <Choice file={file} selection={selection} />}
            onEnd={more}
          />
          <div className="actions">
            <Button kind="quiet" icon="check" onClick={() => selection.add(files.map(picked))}>
              {words.addAll}
            </Button>
            {loading && cursor !== null && <span className="fine">{words.more}</span>}
          </div>
        </>
      )}
    </div>
  );
}

function Choice({ file, selection }: { file: CatalogueFile; selection: Selection }) {
  const { id, name, size } = file;
  const chosen = selection.has(id);
  const toggle = () => (chosen ? selection.remove([id]) : selection.add([picked(file)]));
  return (
    <label className="choice" data-chosen={chosen || undefined}>
      <input type="checkbox" checked={chosen} onChange={toggle} />
      <span className="choice-name" title={name}>
        {name}
      </span>
      <span className="fine">{id}</span>
      <span className="choice-size">{bytes(size)}</span>
    </label>
  );
}

function picked({ id, name, size }: CatalogueFile): Picked {
  return { fileId: id, name, size };
}
