import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon.tsx";

interface Props {
  tone: "bad" | "warn" | "info" | "good";
  title: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  /** Announced immediately by screen readers. */
  alert?: boolean;
}

const ICONS: Record<Props["tone"], IconName> = { bad: "warn", warn: "warn", info: "clock", good: "check" };

export function Notice({ tone, title, children, actions, alert = false }: Props) {
  return (
    <div className="notice" data-tone={tone} role={alert ? "alert" : undefined}>
      <Icon name={ICONS[tone]} />
      <div className="notice-body">
        <p className="notice-title">{title}</p>
        {children}
        {actions && <div className="actions">{actions}</div>}
      </div>
    </div>
  );
}
