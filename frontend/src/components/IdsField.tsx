import { useId, useState } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { parseIds } from "./ids.ts";
import type { Selection } from "./useSelection.ts";

const SHOWN = 5;

/** Adds pasted file ids to the selection. Invalid tokens stay in the field. */
export function IdsField({ selection }: { selection: Selection }) {
  const id = useId();
  const [value, setValue] = useState("");
  const [message, setMessage] = useState<{ invalid: boolean; text: string } | null>(null);
  const text = texts.form;
  const add = () => {
    const { ids, invalid } = parseIds(value);
    selection.add(ids.map((fileId) => ({ fileId, name: null, size: null })));
    setValue(invalid.join(" "));
    if (invalid.length > 0) setMessage({ invalid: true, text: text.wrong(listed(invalid), invalid.length) });
    else setMessage({ invalid: ids.length === 0, text: ids.length === 0 ? text.nothing : text.added(ids.length) });
  };
  return (
    <details className="paste">
      <summary>{text.pasteTitle}</summary>
      <label htmlFor={id}>{text.paste}</label>
      <textarea
        id={id}
        rows={3}
        value={value}
        spellCheck={false}
        inputMode="numeric"
        aria-describedby={`${id}-hint ${id}-message`}
        aria-invalid={message?.invalid || undefined}
        onChange={(event) => setValue(event.target.value)}
      />
      <p className="fine" id={`${id}-hint`}>
        {text.pasteHint}
      </p>
      <div className="actions">
        <Button onClick={add}>{text.add}</Button>
        <p id={`${id}-message`} className={message?.invalid ? "wrong" : "fine"} role="status">
          {message?.text}
        </p>
      </div>
    </details>
  );
}

function listed(tokens: readonly string[]): string {
  const shown = tokens.slice(0, SHOWN).join(", ");
  return tokens.length > SHOWN ? `${shown}, …` : shown;
}
