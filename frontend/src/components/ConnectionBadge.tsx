import type { ConnectionStatus } from "../client/index.ts";
import { texts } from "../texts.ts";

/** How updates arrive right now. The hint explains it on hover and to screen readers. */
export function ConnectionBadge({ connection }: { connection: ConnectionStatus }) {
  const { name, hint } = texts.connection[connection];
  return (
    <span className="connection" data-connection={connection} title={hint}>
      <span className="dot" aria-hidden="true" />
      <span className="visually-hidden">{texts.connection.label}: </span>
      {name}
      <span className="visually-hidden">. {hint}</span>
    </span>
  );
}
