import { type ChangeEvent, useRef } from "react";
import { uploadTexts } from "../../uploadTexts.ts";
import { Button } from "../Button.tsx";
import { Icon } from "../Icon.tsx";
import { Notice } from "../Notice.tsx";
import { inputFiles, pickSources } from "./chosen.ts";
import type { Intake } from "./useIntake.ts";

/** React does not know it. */
const FOLDER = { webkitdirectory: "" };

/** Where files are dropped or chosen. They may be dropped anywhere else in the window, too (`useFileDrop`). */
export function DropZone({ intake, isOver }: { intake: Intake; isOver: boolean }) {
  const filesInput = useRef<HTMLInputElement>(null);
  const folderInput = useRef<HTMLInputElement>(null);
  const text = uploadTexts.drop;
  const choose = async (kind: "files" | "folder", input: HTMLInputElement | null) => {
    const sources = await pickSources(kind);
    if (sources === null) input?.click();
    else if (sources.length > 0) void intake.take(sources);
  };
  const onChange = ({ currentTarget }: ChangeEvent<HTMLInputElement>) => {
    void intake.takeFiles(inputFiles(currentTarget.files ?? []));
    currentTarget.value = ""; // the same files can be chosen again
  };
  const { reading, unreadable, isEmpty } = intake;
  return (
    <>
      <div className="drop-zone" data-over={isOver || undefined}>
        <Icon name="up" />
        <p className="drop-title">{isOver ? text.over : text.title}</p>
        <div className="actions">
          <Button kind="primary" icon="file" onClick={() => choose("files", filesInput.current)}>
            {text.files}
          </Button>
          <Button icon="folder" onClick={() => choose("folder", folderInput.current)}>
            {text.folder}
          </Button>
        </div>
        <input ref={filesInput} type="file" multiple hidden data-choose="files" onChange={onChange} />
        <input ref={folderInput} type="file" {...FOLDER} hidden data-choose="folder" onChange={onChange} />
        <p className="fine">{reading === null ? text.hint : text.reading(reading)}</p>
      </div>
      {isEmpty && <Notice tone="info" title={text.empty} />}
      {unreadable.count > 0 && (
        <Notice tone="warn" title={text.unreadable(unreadable.count)} alert>
          <p>{text.unreadableHint}</p>
          <ul className="fields">
            {unreadable.names.map((name) => (
              <li key={name}>{name}</li>
            ))}
          </ul>
          {unreadable.count > unreadable.names.length && (
            <p>{text.others(unreadable.count - unreadable.names.length)}</p>
          )}
        </Notice>
      )}
    </>
  );
}
