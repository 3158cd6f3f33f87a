import { type ReactNode, useEffect, useId, useState } from "react";
import { Button } from "../components/Button.tsx";
import { Icon } from "../components/Icon.tsx";
import { operatorTexts } from "../operatorTexts.ts";
import { type JobFilter, KINDS, NO_FILTER, SPANS, type Span, STATUSES, searchOf } from "./filters.ts";

/** Milliseconds without input before the list is searched. */
const DEBOUNCE = 300;

interface Props {
  filter: JobFilter;
  onChange(filter: JobFilter): void;
}

/** The one search, and the choices beside it. */
export function Filters({ filter, onChange }: Props) {
  const text = operatorTexts.list;
  const [q, setQ] = useTyped(filter.q, (typed) => onChange({ ...filter, q: typed }));
  const [owner, setOwner] = useTyped(filter.owner, (typed) => onChange({ ...filter, owner: typed }));
  const id = useId();
  return (
    <search className="operator-filters">
      <div className="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label={text.search}
          placeholder={text.searchHint}
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
      </div>
      <Choice
        label={text.status}
        value={filter.status}
        options={STATUSES.map((one) => [one, operatorTexts.status[one]])}
        onChange={(status) => onChange({ ...filter, status })}
      />
      <Choice
        label={text.kind}
        value={filter.kind}
        options={KINDS.map((one) => [one, operatorTexts.kind[one]])}
        onChange={(kind) => onChange({ ...filter, kind })}
      />
      <Choice
        label={text.since}
        value={filter.since}
        options={(Object.keys(SPANS) as Span[]).map((one) => [one, text.spans[one]])}
        onChange={(since) => onChange({ ...filter, since })}
      />
      <div className="field">
        <label htmlFor={id}>{text.owner}</label>
        <input id={id} value={owner} autoComplete="off" onChange={(event) => setOwner(event.target.value)} />
      </div>
      <label className="check dead-only" title={text.deadHint}>
        <input
          type="checkbox"
          checked={filter.dead}
          onChange={(event) => onChange({ ...filter, dead: event.target.checked })}
        />
        {text.dead}
      </label>
      {searchOf(filter) !== "" && (
        <Button kind="quiet" icon="cross" onClick={() => onChange(NO_FILTER)}>
          {text.clear}
        </Button>
      )}
    </search>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T | "";
  options: readonly (readonly [T, ReactNode])[];
  onChange(value: T | ""): void;
}

function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value as T | "")}>
        <option value="">{operatorTexts.list.any}</option>
        {options.map(([one, name]) => (
          <option key={one} value={one}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What is typed, which counts once nothing more is typed for a moment. */
function useTyped(value: string, onChange: (typed: string) => void): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => onChange(typed), DEBOUNCE);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  return [typed, setTyped];
}
