// What is the same of an upload in the list and in the grid.

import { useClient } from "../../hooks/useClient.ts";
import { uploadTexts } from "../../uploadTexts.ts";
import { contentUrl, iconOf } from "../catalogueFiles.ts";
import { percent } from "../formats.ts";
import { Icon, type IconName } from "../Icon.tsx";
import { makingOf, reasonsOf } from "../previews/making.ts";
import type { Preview } from "../previews/usePreview.ts";
import { Thumbnail } from "../Thumbnail.tsx";
import type { Row, RowState } from "./rows.ts";

const ICONS: Record<RowState, IconName> = {
  waiting: "clock",
  sending: "up",
  paused: "pause",
  offline: "clock",
  "needs-file": "file",
  checking: "box",
  completed: "check",
  failed: "warn",
  cancelled: "minus",
  elsewhere: "up",
};

/** The states in which the row says how far it is. */
const MOVING: readonly RowState[] = ["elsewhere", "sending", "paused", "offline", "needs-file"];

export interface RowActions {
  pause(row: Row): void;
  resume(row: Row): void;
  retry(row: Row): void;
  cancel(row: Row): void;
  forget(row: Row): void;
  /** Lets the user choose the file of this row again. */
  pick(row: Row): void;
  /** Ticks the file of this row for the next download, or with `extend` all from the last one to this one. */
  choose(row: Row, extend: boolean): void;
  /** Shows the previews of its file. */
  view(row: Row): void;
}

interface Props {
  row: Row;
  actions: RowActions;
}

interface PreviewProps {
  row: Row;
  preview: Preview;
}

/** The box that ticks the file of an upload, once there is one. */
export function Tick({ row, actions, selected }: Props & { selected: boolean }) {
  if (row.fileId === null) return null;
  return (
    <input
      type="checkbox"
      aria-label={uploadTexts.selectOne(row.name)}
      checked={selected}
      onChange={(event) => actions.choose(row, (event.nativeEvent as MouseEvent).shiftKey === true)}
    />
  );
}

/** The image of a file; once it is uploaded, a button that shows its previews. */
export function UploadImage({ row, actions, preview: { thumbnailId, detail } }: Props & PreviewProps) {
  const client = useClient();
  const image = (
    <Thumbnail
      url={thumbnailId === null ? null : contentUrl(client, thumbnailId)}
      icon={iconOf(detail?.contentType ?? row.contentType)}
    />
  );
  if (row.fileId === null) return image;
  return (
    <button
      type="button"
      className="thumbnail-button"
      aria-label={uploadTexts.show(row.name)}
      onClick={() => actions.view(row)}
    >
      {image}
    </button>
  );
}

/** What is wrong, or what the user should know. */
export function Note({ row: { state, message, changed }, preview: { processing, job, isMaking } }: PreviewProps) {
  const text = uploadTexts;
  const [reason] = isMaking ? [] : reasonsOf(processing, job);
  if (state === "failed") return <span className="file-error">{message ?? text.failed}</span>;
  if (state === "needs-file") return <span className="file-hint">{message ?? text.needsFile}</span>;
  if (changed && state !== "completed") return <span className="file-hint">{text.changed}</span>;
  if (message !== null && state === "waiting") return <span className="file-hint">{message}</span>;
  if (reason !== undefined) return <span className="file-hint">{text.noPreview(reason)}</span>;
  return null;
}

/**
 * The state in words, and how far it is: rounded down, and below 100 until the file is uploaded. After that, how far its
 * previews are.
 */
export function State({ row: { state, percent: done }, preview: { job, isMaking } }: PreviewProps) {
  const isMoving = MOVING.includes(state);
  const making = isMaking ? makingOf(job) : null;
  const text = uploadTexts;
  return (
    <>
      <Icon name={ICONS[state]} />
      <span>{text.states[state]}</span>
      {isMoving && <span className="upload-percent">{text.percent(percent(Math.min(99.9, done)))}</span>}
      {isMoving && <MiniBar percent={done} />}
      {making && (
        <span className="upload-making">
          {making.isWaiting ? text.previewsWaiting : text.making(making.done, making.total)}
        </span>
      )}
    </>
  );
}

function MiniBar({ percent: done }: { percent: number }) {
  return (
    <span className="mini-bar" aria-hidden="true">
      <span style={{ transform: `scaleX(${Math.min(1, done / 100)})` }} />
    </span>
  );
}

/** At most two: what helps now, and what takes the file away. */
export function Actions({ row, actions }: Props) {
  const { state, isManaged, name } = row;
  const text = uploadTexts;
  const isOpen = state !== "completed" && state !== "failed" && state !== "cancelled";
  const [label, icon, run] =
    state === "paused"
      ? ([text.resume(name), "play", actions.resume] as const)
      : state === "failed" || state === "cancelled"
        ? ([text.retry(name), "retry", actions.retry] as const)
        : state === "needs-file" || state === "elsewhere"
          ? ([
              row.hasHandle ? text.continueOne(name) : text.pickOne(name),
              row.hasHandle ? "play" : "file",
              actions.pick,
            ] as const)
          : state === "waiting" || state === "sending" || state === "offline"
            ? ([text.pause(name), "pause", actions.pause] as const)
            : ([null, null, null] as const);
  return (
    <>
      {isManaged && run !== null && <RowButton key="main" label={label} icon={icon} onClick={() => run(row)} />}
      {isOpen ? (
        <RowButton key="end" label={text.cancel(name)} icon="cross" onClick={() => actions.cancel(row)} />
      ) : (
        <RowButton key="end" label={text.forget(name)} icon="cross" onClick={() => actions.forget(row)} />
      )}
    </>
  );
}

function RowButton({ label, icon, onClick }: { label: string; icon: IconName; onClick(): void }) {
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
