import { type FocusEvent, type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import { Icon } from "./Icon.tsx";

interface Props {
  label: string;
  children: ReactNode;
  /** What the button shows; three dots by default. */
  shown?: ReactNode;
}

/** A button that shows more actions below it, until one is used, Escape is pressed, or the focus leaves them. */
export function Menu({ label, children, shown }: Props) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !open) return;
    event.stopPropagation();
    close();
  };
  const onBlur = ({ currentTarget, relatedTarget }: FocusEvent) => {
    if (!currentTarget.contains(relatedTarget)) setOpen(false);
  };
  return (
    <div className="menu" onKeyDown={onKeyDown} onBlur={onBlur}>
      <button
        ref={button}
        type="button"
        className={shown === undefined ? "icon-button" : "button quiet"}
        aria-label={label}
        title={label}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        {shown ?? <Icon name="more" />}
      </button>
      {open && <div className="menu-backdrop" onPointerDown={() => setOpen(false)} />}
      <div id={id} className="menu-items" hidden={!open} tabIndex={-1}>
        {open && children}
      </div>
    </div>
  );
}
