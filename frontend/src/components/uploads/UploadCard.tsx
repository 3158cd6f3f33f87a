import { memo } from "react";
import { baseOf } from "../folders.ts";
import { bytes } from "../formats.ts";
import { usePreview } from "../previews/usePreview.ts";
import type { Row } from "./rows.ts";
import { Actions, Note, type RowActions, State, Tick, UploadImage } from "./UploadState.tsx";

interface Props {
  row: Row;
  /** Ticked for the next download. */
  selected: boolean;
  /** Position in the grid, from 0. */
  index: number;
  actions: RowActions;
}

/** A file of the grid. Renders only when the file or its previews change. */
export const UploadCard = memo(function UploadCard({ row, selected, index, actions }: Props) {
  const { name, size, state, fileId } = row;
  const preview = usePreview(fileId, { known: row.previews });
  return (
    <div
      className="card-choice upload-card"
      data-place={index}
      data-upload={row.jobId ?? row.key}
      data-upload-state={state}
      data-selected={selected || undefined}
    >
      <UploadImage row={row} actions={actions} preview={preview} />
      <span className="upload-tick">
        <Tick row={row} actions={actions} selected={selected} />
      </span>
      <span className="upload-actions">
        <Actions row={row} actions={actions} />
      </span>
      <span className="upload-card-text">
        <span className="upload-card-name" title={name}>
          {baseOf(name)}
        </span>
        <span className="file-status">
          <State row={row} preview={preview} />
          <span className="file-size">{bytes(size)}</span>
        </span>
        <Note row={row} preview={preview} />
      </span>
    </div>
  );
});
