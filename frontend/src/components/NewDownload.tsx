import { type FormEvent, useId, useMemo, useRef, useState } from "react";
import type { FileSelection, Preflight } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { Check } from "./Check.tsx";
import { Failures } from "./Download.tsx";
import { FilePicker } from "./FilePicker.tsx";
import { IdsField } from "./IdsField.tsx";
import { MAX_FILES, type Parsed, parseIds } from "./ids.ts";
import { PreflightCard } from "./PreflightCard.tsx";
import { SelectionList } from "./SelectionList.tsx";
import { useAction } from "./useAction.ts";
import { usePreflight } from "./usePreflight.ts";
import { type SelectedFile, type Selection, useSelection } from "./useSelection.ts";

interface Props {
  manager: DownloadManager;
  /** What was entered so far; its owner keeps it while the form is not shown. */
  draft: Draft;
  /** `save`: the user wants the result saved as soon as it is ready. */
  onStarted(jobId: string, save: boolean): void;
}

/** Everything but the files. */
interface Options {
  name: string;
  skip: boolean;
  compress: boolean;
  save: boolean;
}
const DEFAULTS: Options = { name: "", skip: false, compress: false, save: false };

/** What is entered in the form. */
export interface Draft {
  /** The chosen files, and those whose ids stand in the field for pasted ids. */
  selection: Selection;
  /** The text of that field, and what it says. */
  pasted: string;
  parsed: Parsed;
  setPasted(text: string): void;
  options: Options;
  setOptions(options: Options): void;
}

export function useDraft(): Draft {
  const [pasted, setPasted] = useState("");
  const parsed = useMemo(() => parseIds(pasted), [pasted]);
  const chosen = useSelection();
  const selection = useMemo(() => withPasted(chosen, parsed, setPasted), [chosen, parsed]);
  const [options, setOptions] = useState(DEFAULTS);
  return { selection, pasted, parsed, setPasted, options, setOptions };
}

/** Pasted ids are part of the selection as they are written. A change moves them from the field into it. */
function withPasted(chosen: Selection, { ids, invalid }: Parsed, setPasted: Draft["setPasted"]): Selection {
  if (ids.length === 0) return chosen;
  const pasted = ids.map((fileId) => ({ fileId, name: null, size: null }));
  const taken = new Set(ids);
  const move = () => {
    chosen.add(pasted);
    setPasted(invalid.join(" "));
  };
  return {
    files: [...chosen.files, ...pasted.filter(({ fileId }) => !chosen.has(fileId))],
    has: (fileId) => chosen.has(fileId) || taken.has(fileId),
    add(files) {
      move();
      chosen.add(files);
    },
    remove(fileIds) {
      move();
      chosen.remove(fileIds);
    },
    clear() {
      move();
      chosen.clear();
    },
  };
}

/** The form for a new download: files, options, a summary from the server, and the start button. */
export function NewDownload({ manager, draft, onStarted }: Props) {
  const { selection, parsed, options, setOptions } = draft;
  const [submitted, setSubmitted] = useState(false);
  const [busy, run] = useAction();
  const request = useRequest(selection, options);
  const invalid = validate(selection.files.length);
  const ids = useRef<HTMLTextAreaElement>(null);
  const checked = usePreflight(manager.preflight, invalid === null ? request : null);
  const files = useMemo(() => withNames(selection.files, checked.preflight), [selection.files, checked.preflight]);
  const preflight = useRef<HTMLDivElement>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const isWrong = parsed.invalid.length > 0;
    setSubmitted(invalid !== null || isWrong);
    if (isWrong) return showField(ids.current);
    if (invalid !== null) return;
    if (checked.preflight?.wouldFail && !checked.checking) return preflight.current?.focus();
    const outcome = await run(() => manager.start(request));
    if (!outcome?.ok) return;
    selection.clear();
    setOptions({ ...options, name: "" });
    onStarted(outcome.value.jobId, options.save);
  };

  return (
    <form className="card new-download" onSubmit={submit} aria-labelledby="new-download" noValidate>
      <h2 id="new-download">{texts.form.title}</h2>
      <FilePicker manager={manager} selection={selection} />
      <IdsField draft={draft} field={ids} submitted={submitted} />
      <SelectionList selection={selection} files={files} />
      <OptionFields options={options} onChange={setOptions} />
      <div ref={preflight} tabIndex={-1}>
        <PreflightCard
          checked={checked}
          onSkip={() => setOptions({ ...options, skip: true })}
          onRemove={selection.remove}
        />
      </div>
      <Failures jobId={null} manager={manager} />
      <div className="actions form-end">
        <Button type="submit" kind="primary" icon="box" busy={busy} aria-describedby="form-wrong">
          {busy ? texts.form.starting : texts.form.start}
        </Button>
        <p id="form-wrong" className="wrong" role="status">
          {(submitted || selection.files.length > MAX_FILES) && invalid}
        </p>
      </div>
    </form>
  );
}

/** Focuses a field, which may be in a closed part of the form. */
function showField(field: HTMLElement | null): void {
  const details = field?.closest("details");
  if (details) details.open = true;
  field?.focus();
}

/** The same object until its content changes. */
function useRequest(selection: Selection, { name, skip, compress }: Options): FileSelection {
  const ids = selection.files.map((file) => file.fileId).join();
  return useMemo(
    () => ({
      file_ids: ids === "" ? [] : ids.split(",").map(Number),
      archiveName: name.trim() || null,
      onMissing: skip ? "skip" : "fail",
      compression: compress ? "deflate" : "store",
    }),
    [ids, name, skip, compress],
  );
}

/** The files with their names in the bundle, and the sizes of those that were pasted as ids. */
function withNames(files: readonly SelectedFile[], preflight: Preflight | null): readonly SelectedFile[] {
  const available = preflight?.files.filter((file) => file.available) ?? [];
  const known = new Map(available.map(({ file_id, name, size }) => [file_id, { name, size }]));
  return files.map((file) => ({ ...file, ...known.get(file.fileId) }));
}

function validate(count: number): string | null {
  if (count === 0) return texts.form.tooFew;
  return count > MAX_FILES ? texts.form.tooMany(count) : null;
}

function OptionFields({ options, onChange }: { options: Options; onChange(options: Options): void }) {
  const id = useId();
  const text = texts.form;
  const change = (more: Partial<Options>) => onChange({ ...options, ...more });
  return (
    <div className="download-options">
      <div className="field">
        <label htmlFor={id}>{text.archive}</label>
        <input
          id={id}
          value={options.name}
          maxLength={200}
          placeholder={text.archivePlaceholder}
          autoComplete="off"
          aria-describedby={`${id}-hint`}
          onChange={(event) => change({ name: event.target.value })}
        />
        <p className="fine" id={`${id}-hint`}>
          {text.archiveHint}
        </p>
      </div>
      <Check name={text.skip} hint={text.skipHint} on={options.skip} onChange={(skip) => change({ skip })} />
      <Check
        name={text.compress}
        hint={text.compressHint}
        on={options.compress}
        onChange={(compress) => change({ compress })}
      />
      <Check name={text.save} hint={text.saveHint} on={options.save} onChange={(save) => change({ save })} />
    </div>
  );
}
