import { useState } from "react";
import { Button } from "./Button.tsx";

interface Props {
  children: string;
  /** What the button says after the first click; the second one acts. */
  confirm: string;
  /** The whole action, with its object, for screen readers. */
  label: string;
  busy: boolean;
  onConfirm(): void;
}

/** A button for what can't be undone: it acts on the second click, unless the focus leaves it in between. */
export function ConfirmButton({ children, confirm, label, busy, onConfirm }: Props) {
  const [asking, setAsking] = useState(false);
  const onClick = () => {
    if (asking) onConfirm();
    setAsking(!asking);
  };
  return (
    <Button
      kind={asking ? "danger" : "quiet"}
      busy={busy}
      aria-label={asking ? `${confirm} ${label}` : label}
      onBlur={() => setAsking(false)}
      onClick={onClick}
    >
      {asking ? confirm : children}
    </Button>
  );
}
