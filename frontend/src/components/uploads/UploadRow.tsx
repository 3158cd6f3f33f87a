import { memo } from "react";
import { bytes } from "../formats.ts";
import { usePreview } from "../previews/usePreview.ts";
import type { Row } from "./rows.ts";
import { Actions, Note, type RowActions, State, Tick, UploadImage } from "./UploadState.tsx";

interface Props {
  row: Row;
  /** Ticked for the next download. */
  selected: boolean;
  /** Position in the table, from 0. */
  index: number;
  top: number;
  measure(element: Element | null): void;
  actions: RowActions;
}

/** A file of the list. Renders only when the file or its previews change. */
export const UploadRow = memo(
  function UploadRow({ row, selected, index, top, measure, actions }: Props) {
    const { name, size, state, fileId } = row;
    const preview = usePreview(fileId, { known: row.previews });
    return (
      <div
        className="file-row upload-row"
        role="row"
        aria-rowindex={index + 2}
        data-index={index}
        data-place={index}
        data-upload={row.jobId ?? row.key}
        data-upload-state={state}
        data-selected={selected || undefined}
        ref={measure}
        style={{ transform: `translateY(${top}px)` }}
      >
        <span role="cell" className="upload-tick">
          <Tick row={row} actions={actions} selected={selected} />
        </span>
        <span role="cell" className="upload-image">
          <UploadImage row={row} actions={actions} preview={preview} />
        </span>
        <span role="cell" className="file-name">
          <span title={name}>{name}</span>
          <Note row={row} preview={preview} />
        </span>
        <span role="cell" className="file-size">
          {bytes(size)}
        </span>
        <span role="cell" className="file-status">
          <State row={row} preview={preview} />
        </span>
        <span role="cell" className="upload-actions">
          <Actions row={row} actions={actions} />
        </span>
      </div>
    );
  },
  (one, other) =>
    one.row === other.row &&
    one.selected === other.selected &&
    one.index === other.index &&
    one.top === other.top &&
    one.actions === other.actions,
);
