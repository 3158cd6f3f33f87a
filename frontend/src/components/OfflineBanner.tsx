import type { ConnectionStatus } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { duration } from "./formats.ts";
import { Notice } from "./Notice.tsx";
import { useNow } from "./useNow.ts";

interface Props {
  connection: ConnectionStatus;
  /** Milliseconds of Date.now(). */
  retryAt: number | null;
  /** Seconds since the last update, if that is notable. */
  silence?: number | null;
  /** What a lost connection means for the reader. */
  body?: string;
  onRetry(): void;
}

export function OfflineBanner({ connection, retryAt, silence = null, body = texts.offline.body, onRetry }: Props) {
  const now = useNow(connection === "offline" && retryAt !== null);
  if (connection !== "offline") return null;
  const text = texts.offline;
  const wait = retryAt === null ? null : Math.max(0, (retryAt - now) / 1_000);
  return (
    <Notice
      tone="warn"
      title={text.title}
      actions={
        <Button icon="retry" onClick={onRetry}>
          {text.now}
        </Button>
      }
    >
      <p>
        {body} {silence !== null && `${texts.connection.silent(duration(silence))}.`}{" "}
        {wait !== null && text.next(duration(wait))}
      </p>
    </Notice>
  );
}
