import { memo } from "react";
import type { FileView } from "../client/index.ts";
import { texts } from "../texts.ts";
import { bytes, percent } from "./formats.ts";
import { Icon, type IconName } from "./Icon.tsx";

const ICONS: Record<FileView["status"], IconName> = {
  pending: "clock",
  active: "box",
  done: "check",
  omitted: "minus",
  failed: "warn",
};

interface Props {
  file: FileView;
  /** The job has ended: what is not done will not be. */
  ended: boolean;
  /** Position in the table, from 0. */
  index: number;
  top: number;
  measure(element: Element | null): void;
}

/** Renders only when its file changes, since an unchanged `file` stays the same object. */
export const FileRow = memo(function FileRow({ file, ended, index, top, measure }: Props) {
  const { status, error, size } = file;
  const name = file.name ?? texts.form.unnamed(file.fileId);
  return (
    <div
      className="file-row"
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-file={file.fileId}
      data-file-status={status}
      data-ended={ended || undefined}
      ref={measure}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell" className="file-name">
        <span title={name}>{name}</span>
        {error !== null && <span className="file-error">{error.message}</span>}
      </span>
      <span role="cell" className="file-size">
        {size === null ? "–" : bytes(size)}
      </span>
      <span role="cell" className="file-status">
        <FileStatus file={file} ended={ended} />
      </span>
    </div>
  );
});

function FileStatus({ file, ended }: Pick<Props, "file" | "ended">) {
  const { status } = file;
  if (ended && isOpen(status))
    return (
      <>
        <Icon name="minus" />
        {texts.fileStatusEnded[status]}
      </>
    );
  return (
    <>
      <Icon name={ICONS[status]} />
      {status === "active" ? readProgress(file) : texts.fileStatus[status]}
      {status === "active" && <MiniBar file={file} />}
    </>
  );
}

function isOpen(status: FileView["status"]): status is "pending" | "active" {
  return status === "pending" || status === "active";
}

/** Rounded down, and below 100 until the file is done. */
function readProgress({ bytesDone, size }: FileView): string {
  if (size === null || size === 0) return bytes(bytesDone);
  return texts.job.percent(percent(Math.min(99.9, (100 * bytesDone) / size)));
}

function MiniBar({ file: { bytesDone, size } }: { file: FileView }) {
  const fraction = size ? Math.min(1, bytesDone / size) : 0;
  return (
    <span className="mini-bar" aria-hidden="true">
      <span style={{ transform: `scaleX(${fraction})` }} />
    </span>
  );
}
