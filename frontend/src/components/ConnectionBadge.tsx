import type { Connection } from "../client/index.ts";
import { texts } from "../texts.ts";

/** How news come in right now. The hint explains it on hover and to screen readers. */
export function ConnectionBadge({ connection }: { connection: Connection }) {
  const { name, hint } = texts.connection[connection];
  return (
    <span className="connection" data-connection={connection} title={hint}>
      <span className="dot" aria-hidden="true" />
      <span className="unseen">{texts.connection.label}: </span>
      {name}
      <span className="unseen">. {hint}</span>
    </span>
  );
}
