import { useId, useState } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { parseIds } from "./ids.ts";
import type { Selection } from "./useSelection.ts";

const SHOWN = 5;

/** Adds ids that were copied from somewhere. What is no id stays in the field. */
export function IdsField({ selection }: { selection: Selection }) {
  const id = useId();
  const [text, setText] = useState("");
  const [said, setSaid] = useState<{ wrong: boolean; text: string } | null>(null);
  const words = texts.form;
  const add = () => {
    const { ids, wrong } = parseIds(text);
    selection.add(ids.map((fileId) => ({ fileId, name: null, size: null })));
    setText(wrong.join(" "));
    if (wrong.length > 0) setSaid({ wrong: true, text: words.wrong(listed(wrong), wrong.length) });
    else setSaid({ wrong: ids.length === 0, text: ids.length === 0 ? words.nothing : words.added(ids.length) });
  };
  return (
    <details className="paste">
      <summary>{words.pasteTitle}</summary>
      <label htmlFor={id}>{words.paste}</label>
      <textarea
        id={id}
        rows={3}
        value={text}
        spellCheck={false}
        inputMode="numeric"
        aria-describedby={`${id}-hint ${id}-said`}
        aria-invalid={said?.wrong || undefined}
        onChange={(event) => setText(event.target.value)}
      />
      <p className="fine" id={`${id}-hint`}>
        {words.pasteHint}
      </p>
      <div className="actions">
        <Button onClick={add}>{words.add}</Button>
        <p id={`${id}-said`} className={said?.wrong ? "wrong" : "fine"} role="status">
          {said?.text}
        </p>
      </div>
    </details>
  );
}

function listed(tokens: readonly string[]): string {
  const shown = tokens.slice(0, SHOWN).join(", ");
  return tokens.length > SHOWN ? `${shown}, …` : shown;
}
