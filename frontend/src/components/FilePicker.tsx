import { type ChangeEvent, type MouseEvent, type ReactNode, useId, useMemo, useRef, useState } from "react";
import type { CatalogueFile, Client } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { CardGrid } from "./CardGrid.tsx";
import { Check } from "./Check.tsx";
import { contentUrl, iconOf, isText } from "./catalogueFiles.ts";
import { FileViewer } from "./FileViewer.tsx";
import { baseOf, folderOf } from "./folders.ts";
import { bytes } from "./formats.ts";
import { Icon } from "./Icon.tsx";
import { LayoutToggle } from "./LayoutToggle.tsx";
import { ProblemNotice } from "./ProblemNotice.tsx";
import { RowList } from "./RowList.tsx";
import { Thumbnail } from "./Thumbnail.tsx";
import { useCatalogue } from "./useCatalogue.ts";
import { useLayout } from "./useLayout.ts";
import type { SelectedFile, Selection } from "./useSelection.ts";

/** Pixels. */
const HEIGHT = 44;
const CARD_WIDTH = 136;
const CARD_TEXT = 58;

interface Props {
  manager: Pick<DownloadManager, "client" | "files">;
  selection: Selection;
}

/** Selects files from the catalogue, with a search by name or in the text of PDFs. Shows them as a list or as a grid, and previews of each. */
export function FilePicker({ manager: { client, files: search }, selection }: Props) {
  const id = useId();
  const [q, setQ] = useState("");
  const [inText, setInText] = useState(false);
  const [layout, setLayout] = useLayout();
  const { files, problem, loading, cursor, loadMore, retry } = useCatalogue(search, q, inText);
  const [viewed, setViewed] = useState<number | null>(null);
  const viewable = useMemo(() => files.filter(hasPreview).map(({ id: fileId, name }) => ({ fileId, name })), [files]);
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
  const list = {
    label: text.results,
    items: files,
    keyOf: (file: CatalogueFile) => file.id,
    onEnd: loadMore,
    isPartial: cursor !== null,
    render: (file: CatalogueFile, index: number) => (
      <FileChoice
        file={file}
        client={client}
        isCard={layout === "grid"}
        selected={selection.has(file.id)}
        onChoose={(extend) => choose(index, extend)}
        onView={() => setViewed(file.id)}
      />
    ),
  };
  return (
    <div className="picker">
      <label htmlFor={id}>{text.search}</label>
      <div className="picker-head">
        <div className="search">
          <Icon name="search" />
          <input
            id={id}
            type="search"
            value={q}
            placeholder={inText ? text.wordsHint : text.searchHint}
            onChange={(event) => setQ(event.target.value)}
          />
        </div>
        <LayoutToggle layout={layout} onChange={setLayout} />
      </div>
      <Check name={text.inText} hint={text.inTextHint} on={inText} onChange={setInText} />
      {problem && <ProblemNotice action="files" problem={problem} onRetry={retry} />}
      {empty && <p className="empty">{loading ? text.searching : q.trim() === "" ? text.empty : text.none}</p>}
      {files.length > 0 && (
        <>
          {layout === "grid" ? (
            <CardGrid {...list} cardWidth={CARD_WIDTH} textHeight={CARD_TEXT} />
          ) : (
            <RowList {...list} height={HEIGHT} />
          )}
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
      {viewed !== null && (
        <FileViewer client={client} files={viewable} fileId={viewed} onClose={() => setViewed(null)} />
      )}
    </div>
  );
}

interface ChoiceProps {
  file: CatalogueFile;
  client: Client;
  /** As a card of the grid, else as a row of the list. */
  isCard: boolean;
  selected: boolean;
  onChoose(extend: boolean): void;
  onView(): void;
}

function FileChoice({ file, client, isCard, selected, onChoose, onView }: ChoiceProps) {
  const { id, name, size, contentType, thumbnailId, snippet } = file;
  const below = snippet || folderOf(name);
  const onChange = ({ nativeEvent }: ChangeEvent) => onChoose((nativeEvent as globalThis.MouseEvent).shiftKey === true);
  /** Not every browser passes a click with Shift on from a label to its box. */
  const onClick = (event: MouseEvent) => {
    if (!event.shiftKey || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    onChoose(true);
  };
  const image = <Thumbnail url={thumbnailId ? contentUrl(client, thumbnailId) : null} icon={iconOf(contentType)} />;
  const preview: ReactNode = hasPreview(file) ? (
    <button type="button" className="thumbnail-button" aria-label={texts.previews.show(name)} onClick={onView}>
      {image}
    </button>
  ) : (
    image
  );
  return (
    <div className={isCard ? "card-choice" : "choice-row"} data-selected={selected || undefined}>
      {preview}
      <label className="choice" data-selected={selected || undefined} onClick={onClick}>
        <input type="checkbox" checked={selected} onChange={onChange} />
        <span className="choice-name" title={name}>
          {baseOf(name)}
          {below && <small title={snippet ?? undefined}>{below}</small>}
        </span>
        <span className="fine">{id}</span>
        <span className="choice-size">{bytes(size)}</span>
      </label>
    </div>
  );
}

/** Servers that make no previews send no `thumbnailId`. */
function hasPreview({ thumbnailId, contentType }: CatalogueFile): boolean {
  return Boolean(thumbnailId) || isText(contentType ?? "");
}

function selectedFile({ id, name, size }: CatalogueFile): SelectedFile {
  return { fileId: id, name, size };
}
