import { type FormEvent, useId, useMemo, useRef, useState } from "react";
import type { FileSelection, Preflight } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { Failures } from "./Download.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { IdsField } from "./IdsField.tsx";
import { MOST } from "./ids.ts";
import { PreflightCard } from "./PreflightCard.tsx";
import { SelectionList } from "./SelectionList.tsx";
import { useAction } from "./useAction.ts";
import { usePreflight } from "./usePreflight.ts";
import { type Selection, useSelection } from "./useSelection.ts";

interface Props {
  manager: DownloadManager;
  onStarted(jobId: string): void;
}

/** The form: which files, under which name, what if some are missing; what that comes to; and off. */
export function NewDownload({ manager, onStarted }: Props) {
  const selection = useSelection();
  const [archiveName, setArchiveName] = useState("");
  const [skip, setSkip] = useState(false);
  const [refused, setRefused] = useState(false);
  const [busy, run] = useAction();
  const request = useRequest(selection, archiveName, skip);
  const wrong = wrongWith(selection.files.length);
  const checked = usePreflight(manager.preflight, wrong === null ? request : null);
  const names = useMemo(() => namesIn(checked.preflight), [checked.preflight]);
  const preflight = useRef<HTMLDivElement>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setRefused(wrong !== null);
    if (wrong !== null) return;
    if (checked.preflight?.wouldFail && !checked.asking) return preflight.current?.focus();
    const outcome = await run(() => manager.start(request));
    if (!outcome?.ok) return;
    selection.clear();
    setArchiveName("");
    onStarted(outcome.value.jobId);
  };

  return (
    <form className="card new-download" onSubmit={submit} aria-labelledby="new-download" noValidate>
      <h2 id="new-download">{texts.form.title}</h2>
      <FilePicker ask={manager.files} selection={selection} />
      <IdsField selection={selection} />
      <SelectionList selection={selection} names={names} />
      <Wishes name={archiveName} onName={setArchiveName} skip={skip} onSkip={setSkip} />
      <div ref={preflight} tabIndex={-1}>
        <PreflightCard checked={checked} onLeaveOut={() => setSkip(true)} onDrop={selection.remove} />
      </div>
      <Failures jobId={null} manager={manager} />
      <div className="actions">
        <Button type="submit" kind="primary" icon="box" busy={busy} aria-describedby="form-wrong">
          {busy ? texts.form.starting : texts.form.start}
        </Button>
        <p id="form-wrong" className="wrong" role="status">
          {(refused || selection.files.length > MOST) && wrong}
        </p>
      </div>
    </form>
  );
}

/** The same object as long as it says the same. */
function useRequest(selection: Selection, archiveName: string, skip: boolean): FileSelection {
  const { files } = selection;
  return useMemo(
    () => ({
      file_ids: files.map((file) => file.fileId),
      archiveName: archiveName.trim() || null,
      onMissing: skip ? "skip" : "fail",
    }),
    [files, archiveName, skip],
  );
}

function namesIn(preflight: Preflight | null) {
  const there = preflight?.files.filter((file) => file.available) ?? [];
  return new Map(there.map(({ file_id, name, size }) => [file_id, { name, size }]));
}

function wrongWith(count: number): string | null {
  if (count === 0) return texts.form.tooFew;
  return count > MOST ? texts.form.tooMany(count) : null;
}

interface WishesProps {
  name: string;
  onName(name: string): void;
  skip: boolean;
  onSkip(skip: boolean): void;
}

function Wishes({ name, onName, skip, onSkip }: WishesProps) {
  const id = useId();
  const words = texts.form;
  return (
    <div className="wishes">
      <div>
        <label htmlFor={id}>{words.archive}</label>
        <input
          id={id}
          value={name}
          maxLength={200}
          placeholder={words.archivePlaceholder}
          autoComplete="off"
          aria-describedby={`${id}-hint`}
          onChange={(event) => onName(event.target.value)}
        />
        <p className="fine" id={`${id}-hint`}>
          {words.archiveHint}
        </p>
      </div>
      <label className="check">
        <input type="checkbox" checked={skip} onChange={(event) => onSkip(event.target.checked)} />
        <span>
          {words.skip}
          <span className="fine">{words.skipHint}</span>
        </span>
      </label>
    </div>
  );
}
