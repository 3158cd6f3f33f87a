import { type RefObject, useId, useState } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import type { Draft } from "./NewDownload.tsx";

const SHOWN = 5;

interface Props {
  draft: Draft;
  field: RefObject<HTMLTextAreaElement | null>;
  /** The form was sent, and something in it is wrong. */
  submitted: boolean;
}

/** A field for pasted file ids, which count as selected while they stand in it. Invalid tokens stay when ids are added. */
export function IdsField({ draft, field, submitted }: Props) {
  const id = useId();
  const { pasted, parsed, setPasted, selection } = draft;
  /** How many ids were added; null after a change of the text. */
  const [added, setAdded] = useState<number | null>(null);
  const text = texts.form;
  const add = () => {
    setAdded(parsed.ids.length);
    if (parsed.ids.length > 0) selection.add([]); // moves them
  };
  const isChecked = submitted || added !== null;
  const wrong =
    isChecked && parsed.invalid.length > 0 ? text.wrong(listed(parsed.invalid), parsed.invalid.length) : null;
  const nothing = added === 0 ? text.nothing : null;
  return (
    <details className="paste">
      <summary>{text.pasteTitle}</summary>
      <label htmlFor={id}>{text.paste}</label>
      <textarea
        id={id}
        ref={field}
        rows={3}
        value={pasted}
        spellCheck={false}
        inputMode="numeric"
        aria-describedby={`${id}-hint ${id}-message`}
        aria-invalid={(wrong ?? nothing) !== null || undefined}
        onChange={(event) => {
          setPasted(event.target.value);
          setAdded(null);
        }}
      />
      <p className="fine" id={`${id}-hint`}>
        {text.pasteHint}
      </p>
      <div className="actions">
        <Button onClick={add}>{text.add}</Button>
        <p id={`${id}-message`} className={(wrong ?? nothing) === null ? "fine" : "wrong"} role="status">
          {wrong ?? nothing ?? (added !== null && text.added(added))}
        </p>
      </div>
    </details>
  );
}

function listed(tokens: readonly string[]): string {
  const shown = tokens.slice(0, SHOWN).join(", ");
  return tokens.length > SHOWN ? `${shown}, …` : shown;
}
