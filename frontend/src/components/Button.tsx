import type { ButtonHTMLAttributes } from "react";
import { Icon, type IconName } from "./Icon.tsx";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon?: IconName;
  kind?: "primary" | "plain" | "quiet" | "danger";
  /** Ignores clicks, but keeps the focus, which a disabled button would lose. */
  busy?: boolean;
}

export function Button({ icon, kind = "plain", busy = false, onClick, children, ...others }: Props) {
  return (
    <button
      type="button"
      {...others}
      className={`button ${kind} ${others.className ?? ""}`}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}
