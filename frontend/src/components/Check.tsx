interface Props {
  name: string;
  hint: string;
  on: boolean;
  onChange(on: boolean): void;
}

/** A check box with a hint below its name. */
export function Check({ name, hint, on, onChange }: Props) {
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
