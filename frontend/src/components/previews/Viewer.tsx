import { useEffect, useRef, useState } from "react";
import type { FileDetail, ProcessingView } from "../../client/index.ts";
import { previewTexts } from "../../previewTexts.ts";
import { contentUrl } from "../catalogueFiles.ts";
import type { ViewerProps } from "../FileViewer.tsx";
import { baseOf } from "../folders.ts";
import { bytes, duration } from "../formats.ts";
import { Icon, type IconName } from "../Icon.tsx";
import { ProblemNotice } from "../ProblemNotice.tsx";
import { FileContent } from "./FileContent.tsx";
import { PreviewState } from "./PreviewState.tsx";
import { usePreview } from "./usePreview.ts";

import "../../styles/viewer.css";

/**
 * Previews of files over the whole page, which is inert behind them. The left and right arrows lead to other files, Escape
 * back to the page.
 */
export default function Viewer({ client, files, fileId, onClose }: ViewerProps) {
  const [shown, setShown] = useState(fileId);
  const dialog = useRef<HTMLDialogElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (dialog.current?.open) return;
    dialog.current?.showModal();
    stage.current?.focus();
  }, []);
  const preview = usePreview(shown, { client, always: true });
  const { detail, problem, job, isMaking, reload } = preview;
  const found = job?.detail?.processing;
  const index = files.findIndex((file) => file.fileId === shown);
  const name = baseOf(detail?.name ?? files[index]?.name ?? "");
  const isOne = files.length === 1;
  const text = previewTexts;
  const position = text.position(index + 1, files.length);

  const facts = [...(isOne || index === -1 ? [] : [position]), ...(detail ? factsOf(detail, found) : [])];

  const move = (by: 1 | -1) => {
    const next = index === -1 ? undefined : files[index + by];
    if (next === undefined) return;
    setShown(next.fileId);
    stage.current?.scrollTo(0, 0);
    if (stage.current?.contains(document.activeElement)) stage.current.focus(); // what has the focus may disappear
  };
  const latestMove = useRef(move);
  latestMove.current = move;
  useEffect(() => {
    // On the window: the dialog gets no keys once what had the focus in it has disappeared.
    const onKeyDown = (event: KeyboardEvent) => {
      const { key, target } = event;
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (target instanceof HTMLMediaElement) return; // a player winds with the same keys
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      event.preventDefault();
      latestMove.current(key === "ArrowLeft" ? -1 : 1);
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
  return (
    <dialog ref={dialog} className="viewer" aria-label={text.content(name)} onClose={onClose}>
      <header className="viewer-head">
        <div>
          <h2 title={detail?.name}>{name}</h2>
          <p className="fine">
            {facts.map((fact) => (
              <span key={fact}>{fact}</span>
            ))}
          </p>
        </div>
        <a className="button" href={`${contentUrl(client, shown)}?download=1`} download>
          <Icon name="down" />
          <span>{text.download}</span>
        </a>
        {/* Closing the dialog, and not only removing it, gives the focus back to what had it before. */}
        <IconButton name="cross" label={text.close} onClick={() => dialog.current?.close()} />
      </header>
      <div className="viewer-body">
        <div className="viewer-stage" ref={stage} role="region" aria-label={text.content(name)} tabIndex={0}>
          {problem !== null && detail === undefined && (
            <ProblemNotice action="preview" problem={problem} onRetry={reload} />
          )}
          <PreviewState {...preview} />
          {detail && (
            <FileContent
              key={shown}
              client={client}
              detail={detail}
              pagesTotal={found?.pagesTotal ?? null}
              isExplained={isMaking || preview.processing?.error != null}
            />
          )}
          {!detail && problem === null && <p className="viewer-empty">{text.loading}</p>}
        </div>
        {!isOne && (
          <>
            <IconButton name="back" label={text.previous} isOff={index <= 0} onClick={() => move(-1)} />
            <IconButton name="next" label={text.next} isOff={index === files.length - 1} onClick={() => move(1)} />
          </>
        )}
      </div>
      <p className="visually-hidden" role="status">
        {!isOne && text.shown(name, position)}
      </p>
    </dialog>
  );
}

/** What there is to know of a file: size, type, and what was found in it. */
function factsOf({ size, contentType }: FileDetail, found: ProcessingView | undefined): string[] {
  const { width = null, height = null, pagesTotal = null, duration: seconds = null } = found ?? {};
  const isPaged = found?.contentType === "application/pdf";
  return [
    bytes(size),
    contentType,
    ...(width !== null && height !== null && !isPaged ? [`${width} × ${height}`] : []),
    ...(pagesTotal !== null && isPaged ? [previewTexts.pagesTotal(pagesTotal)] : []),
    ...(seconds !== null ? [duration(seconds)] : []),
  ];
}

interface ButtonProps {
  name: IconName;
  label: string;
  /** Does nothing, but keeps the focus, which a disabled button would lose. */
  isOff?: boolean;
  onClick(): void;
}

function IconButton({ name, label, isOff = false, onClick }: ButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button viewer-${name}`}
      aria-label={label}
      title={label}
      aria-disabled={isOff || undefined}
      onClick={onClick}
    >
      <Icon name={name} />
    </button>
  );
}
