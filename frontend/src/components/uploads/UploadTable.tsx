import { type ReactNode, useCallback, useId, useMemo, useRef, useState } from "react";
import { uploadTexts } from "../../uploadTexts.ts";
import { CardGrid } from "../CardGrid.tsx";
import { count } from "../formats.ts";
import { LayoutToggle } from "../LayoutToggle.tsx";
import { RowsBelow } from "../RowsBelow.tsx";
import type { Fallback } from "../useFocusFallback.ts";
import { useLayout } from "../useLayout.ts";
import { useRows } from "../useRows.ts";
import { useSame } from "../useSame.ts";
import type { Selection } from "../useSelection.ts";
import { FILTERS, type Filter, type Row } from "./rows.ts";
import { UploadCard } from "./UploadCard.tsx";
import { UploadRow } from "./UploadRow.tsx";
import type { RowActions } from "./UploadState.tsx";

/** Pixels. */
const HEIGHT = 58;
const CARD_WIDTH = 156;
const CARD_TEXT = 92;

interface Props {
  rows: readonly Row[];
  selection: Selection;
  actions: Omit<RowActions, "choose">;
  /** There are older uploads on the server. */
  hasMore: boolean;
  onEnd(): void;
  /** Between the filter and the rows. */
  children?: ReactNode;
}

/** Every upload, as a list or a grid, with a filter by state. */
export function UploadTable(props: Props) {
  const { rows } = props;
  const group = useId();
  const [filter, setFilter] = useState<Filter>("all");
  const [layout, setLayout] = useLayout();
  const matching = useMemo(() => filterAll(rows), [rows]);
  const text = uploadTexts;
  const Shown = layout === "grid" ? Cards : Rows;
  return (
    <>
      <div className="table-head">
        <fieldset className="filters">
          <legend className="visually-hidden">{text.filter}</legend>
          {(Object.keys(FILTERS) as Filter[]).map((name) => (
            <label key={name} data-empty={matching[name].length === 0 || undefined}>
              <input type="radio" name={group} checked={name === filter} onChange={() => setFilter(name)} />
              {text.filters[name]} <span className="count">{count(matching[name].length)}</span>
            </label>
          ))}
        </fieldset>
        <LayoutToggle layout={layout} onChange={setLayout} />
      </div>
      {props.children}
      {matching[filter].length === 0 ? (
        <p className="empty">{text.noneMatch}</p>
      ) : (
        <Shown {...props} rows={matching[filter]} />
      )}
    </>
  );
}

function Rows({ rows, selection, actions, hasMore, onEnd }: Props) {
  // With another function all rows would be measured again, although most often only the state of some has changed.
  const keys = useSame(rows.map(({ key }) => key));
  const keyOf = useCallback((index: number) => keys[index] as string, [keys]);
  const { scroller, virtualizer, rows: visible, below, focus } = useRows(rows.length, HEIGHT, keyOf);
  const all = useActions(rows, selection, actions);
  const text = uploadTexts;
  const onScroll = () => {
    const box = scroller.current;
    if (box !== null && box.scrollTop + box.clientHeight > box.scrollHeight - 10 * HEIGHT) onEnd();
  };
  return (
    <div className="scrolled">
      <div className="table-box" ref={scroller} role="region" aria-label={text.table} tabIndex={0} onScroll={onScroll}>
        <div role="table" aria-label={text.table} aria-rowcount={rows.length + 1}>
          <div role="rowgroup" className="table-titles">
            <div role="row" aria-rowindex={1} className="file-row upload-row">
              <span role="columnheader">
                <span className="visually-hidden">{text.select}</span>
              </span>
              <span role="columnheader">
                <span className="visually-hidden">{text.preview}</span>
              </span>
              <span role="columnheader">{text.name}</span>
              <span role="columnheader" className="file-size">
                {text.size}
              </span>
              <span role="columnheader">{text.state}</span>
              <span role="columnheader">
                <span className="visually-hidden">{text.actions}</span>
              </span>
            </div>
          </div>
          <div role="rowgroup" className="table-rows" style={{ height: virtualizer.getTotalSize() }} {...focus}>
            {visible.map(({ index, key, start }) => {
              const row = rows[index] as Row;
              return (
                <UploadRow
                  key={key}
                  row={row}
                  selected={row.fileId !== null && selection.has(row.fileId)}
                  index={index}
                  top={start}
                  measure={virtualizer.measureElement}
                  actions={all}
                />
              );
            })}
          </div>
        </div>
      </div>
      <RowsBelow count={below} isPartial={hasMore} />
    </div>
  );
}

function Cards({ rows, selection, actions, hasMore, onEnd }: Props) {
  const all = useActions(rows, selection, actions);
  return (
    <CardGrid
      label={uploadTexts.table}
      items={rows}
      keyOf={({ key }) => key}
      cardWidth={CARD_WIDTH}
      textHeight={CARD_TEXT}
      render={(row, index) => (
        <UploadCard row={row} selected={row.fileId !== null && selection.has(row.fileId)} index={index} actions={all} />
      )}
      onEnd={onEnd}
      isPartial={hasMore}
    />
  );
}

/** All actions. They stay the same, so that rows do not render when others change. */
function useActions(rows: readonly Row[], selection: Selection, actions: Props["actions"]): RowActions {
  const latest = useRef({ rows, selection, anchor: 0 });
  latest.current.rows = rows;
  latest.current.selection = selection;
  return useMemo(() => {
    const choose = (row: Row, extend: boolean) => {
      const { rows, selection, anchor } = latest.current;
      const index = rows.indexOf(row);
      const [from, to] = extend ? [Math.min(anchor, index), Math.max(anchor, index)] : [index, index];
      latest.current.anchor = index;
      if (extend || !selection.has(row.fileId as number)) selection.add(rows.slice(from, to + 1).flatMap(selectedFile));
      else selection.remove([row.fileId as number]);
    };
    return { ...actions, choose };
  }, [actions]);
}

/** The file of a row that can be downloaded. */
export function selectedFile({ fileId, name, size }: Row) {
  return fileId === null ? [] : [{ fileId, name, size }];
}

/** The rows that match each filter. */
function filterAll(rows: readonly Row[]): Record<Filter, readonly Row[]> {
  const of = (filter: Filter) => rows.filter(FILTERS[filter]);
  return { all: rows, running: of("running"), done: of("done"), problems: of("problems") };
}

/** After a row was removed, the row that follows it, or the last one; otherwise the list. */
export const nextFocus: Fallback = (box, gone) => {
  const place = Number(gone.closest<HTMLElement>("[data-place]")?.dataset.place);
  const actionOf = (row: number) =>
    box.querySelector<HTMLElement>(`[data-place="${row}"] .upload-actions > :last-child`);
  return actionOf(place) ?? actionOf(place - 1) ?? box.querySelector<HTMLElement>(".table-box, .cards");
};
