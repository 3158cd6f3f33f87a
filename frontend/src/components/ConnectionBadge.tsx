import type { ConnectionStatus } from "../client/index.ts";
import { texts } from "../texts.ts";
import { duration } from "./formats.ts";

interface Props {
  connection: ConnectionStatus;
  /** Seconds since the last update, if that is notable. */
  silence?: number | null;
}

/** How updates arrive right now. The hint explains it on hover and to screen readers. */
export function ConnectionBadge({ connection, silence = null }: Props) {
  const known = texts.connection[connection];
  const isSilent = silence !== null && connection !== "offline";
  const name = isSilent ? texts.connection.silent(duration(silence)) : known.name;
  const hint = isSilent ? texts.connection.silentHint : known.hint;
  return (
    <span className="connection" data-connection={connection} data-silent={isSilent || undefined} title={hint}>
      <span className="dot" aria-hidden="true" />
      <span className="visually-hidden">{texts.connection.label}: </span>
      {name}
      <span className="visually-hidden">. {hint}</span>
    </span>
  );
}
