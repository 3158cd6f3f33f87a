import { useId } from "react";
import { span } from "./formats.ts";

interface Props<T extends number | null> {
  label: string;
  /** Seconds to choose from. */
  spans: readonly T[];
  value: T;
  onChange(seconds: T): void;
  /** What null is called. */
  never?: string;
}

/** A choice of how long something is valid. */
export function SpanSelect<T extends number | null>({ label, spans, value, onChange, never = "" }: Props<T>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={spans.indexOf(value)}
        onChange={(event) => onChange(spans[Number(event.target.value)] as T)}
      >
        {spans.map((seconds, index) => (
          <option key={seconds} value={index}>
            {seconds === null ? never : span(seconds)}
          </option>
        ))}
      </select>
    </div>
  );
}
