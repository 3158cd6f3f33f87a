import { memo } from "react";
import { uploadTexts } from "../../uploadTexts.ts";
import { bytes, percent } from "../formats.ts";
import { Icon, type IconName } from "../Icon.tsx";
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
}

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

/** A file of the list. Renders only when the file changes. */
export const UploadRow = memo(
  function UploadRow({ row, selected, index, top, measure, actions }: Props) {
    const { name, size, state, fileId } = row;
    const text = uploadTexts;
    return (
      <div
        className="file-row upload-row"
        role="row"
        aria-rowindex={index + 2}
        data-index={index}
        data-upload={row.jobId ?? row.key}
        data-upload-state={state}
        data-selected={selected || undefined}
        ref={measure}
        style={{ transform: `translateY(${top}px)` }}
      >
        <span role="cell" className="upload-tick">
          {fileId !== null && (
            <input
              type="checkbox"
              aria-label={text.selectOne(name)}
              checked={selected}
              onChange={(event) => actions.choose(row, (event.nativeEvent as MouseEvent).shiftKey === true)}
            />
          )}
        </span>
        <span role="cell" className="file-name">
          <span title={name}>{name}</span>
          <Note row={row} />
        </span>
        <span role="cell" className="file-size">
          {bytes(size)}
        </span>
        <span role="cell" className="file-status">
          <State row={row} />
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

/** What is wrong, or what the user should know. */
function Note({ row: { state, message, changed } }: { row: Row }) {
  const text = uploadTexts;
  if (state === "failed") return <span className="file-error">{message ?? text.failed}</span>;
  if (state === "needs-file") return <span className="file-hint">{message ?? text.needsFile}</span>;
  if (changed && state !== "completed") return <span className="file-hint">{text.changed}</span>;
  if (message !== null && state === "waiting") return <span className="file-hint">{message}</span>;
  return null;
}

/** The state in words, and how far it is: rounded down, and below 100 until the file is uploaded. */
function State({ row: { state, percent: done } }: { row: Row }) {
  const isMoving = MOVING.includes(state);
  return (
    <>
      <Icon name={ICONS[state]} />
      <span>{uploadTexts.states[state]}</span>
      {isMoving && <span className="upload-percent">{uploadTexts.percent(percent(Math.min(99.9, done)))}</span>}
      {isMoving && (
        <span className="mini-bar" aria-hidden="true">
          <span style={{ transform: `scaleX(${Math.min(1, done / 100)})` }} />
        </span>
      )}
    </>
  );
}

/** At most two: what helps now, and what takes the file away. */
function Actions({ row, actions }: { row: Row; actions: RowActions }) {
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
