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

/** What is wished for beside the files. */
interface Wishes {
  name: string;
  skip: boolean;
  compress: boolean;
}
const NONE: Wishes = { name: "", skip: false, compress: false };

/** The form: which files, under which name, what if some are missing; what that comes to; and off. */
export function NewDownload({ manager, onStarted }: Props) {
  const selection = useSelection();
  const [wishes, setWishes] = useState(NONE);
  const [refused, setRefused] = useState(false);
  const [busy, run] = useAction();
  const request = useRequest(selection, wishes);
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
    setWishes((was) => ({ ...was, name: "" }));
    onStarted(outcome.value.jobId);
  };

  return (
    <form className="card new-download" onSubmit={submit} aria-labelledby="new-download" noValidate>
      <h2 id="new-download">{texts.form.title}</h2>
      <FilePicker ask={manager.files} selection={selection} />
      <IdsField selection={selection} />
      <SelectionList selection={selection} names={names} />
      <WishFields wishes={wishes} onChange={setWishes} />
      <div ref={preflight} tabIndex={-1}>
        <PreflightCard
          checked={checked}
          onSkip={() => setWishes({ ...wishes, skip: true })}
          onRemove={selection.remove}
        />
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
function useRequest(selection: Selection, { name, skip, compress }: Wishes): FileSelection {
  const { files } = selection;
  return useMemo(
    () => ({
      file_ids: files.map((file) => file.fileId),
      archiveName: name.trim() || null,
      onMissing: skip ? "skip" : "fail",
      compression: compress ? "deflate" : "store",
    }),
    [files, name, skip, compress],
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

function WishFields({ wishes, onChange }: { wishes: Wishes; onChange(wishes: Wishes): void }) {
  const id = useId();
  const words = texts.form;
  const change = (more: Partial<Wishes>) => onChange({ ...wishes, ...more });
  return (
    <div className="wishes">
      <div>
        <label htmlFor={id}>{words.archive}</label>
        <input
          id={id}
          value={wishes.name}
          maxLength={200}
          placeholder={words.archivePlaceholder}
          autoComplete="off"
          aria-describedby={`${id}-hint`}
          onChange={(event) => change({ name: event.target.value })}
        />
        <p className="fine" id={`${id}-hint`}>
          {words.archiveHint}
        </p>
      </div>
      <Check name={words.skip} hint={words.skipHint} on={wishes.skip} onChange={(skip) => change({ skip })} />
      <Check
        name={words.compress}
        hint={words.compressHint}
        on={wishes.compress}
        onChange={(compress) => change({ compress })}
      />
    </div>
  );
}

function Check({ name, hint, on, onChange }: { name: string; hint: string; on: boolean; onChange(on: boolean): void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.target.checked)} />
      <span>
        {name}
        <span className="fine">{hint}</span>
      </span>
    </label>
  );
}
