import { Icon } from "../components/Icon.tsx";
import { operatorTexts } from "../operatorTexts.ts";
import { seconds } from "./formats.ts";
import { Section } from "./Section.tsx";
import type { Dependency } from "./schemas.ts";

const BADGES = { up: "completed", down: "failed" } as const;
const ICONS = { up: "check", down: "warn" } as const;

/** Whether each server that Haulage needs responds, and whether this gateway calls it. */
export function Dependencies({ dependencies }: { dependencies: readonly Dependency[] }) {
  const text = operatorTexts.dependencies;
  return (
    <Section title={text.title}>
      <ul className="items">
        {dependencies.map(({ name, status, circuit, latencyMs, detail }) => (
          <li key={name} data-dependency={name} data-state={status}>
            <div>
              <strong>{text.names[name] ?? name}</strong>
              {(circuit !== null || latencyMs !== null) && (
                <p className="fine">
                  {[
                    latencyMs !== null && `${text.latency} ${seconds(latencyMs / 1_000)}`,
                    circuit !== null && `${text.circuit} ${(text.circuits[circuit] ?? circuit).toLowerCase()}`,
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </p>
              )}
              {detail && <p className="fine">{detail}</p>}
            </div>
            <span className="badge" data-status-badge={BADGES[status]}>
              <Icon name={ICONS[status]} />
              {text[status]}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
