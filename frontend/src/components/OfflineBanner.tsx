import type { Connection } from "../client/index.ts";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { duration } from "./formats.ts";
import { Notice } from "./Notice.tsx";
import { useNow } from "./useNow.ts";

interface Props {
  connection: Connection;
  /** Milliseconds of Date.now(). */
  retryAt: number | null;
  onAgain(): void;
}

export function OfflineBanner({ connection, retryAt, onAgain }: Props) {
  const now = useNow(connection === "offline" && retryAt !== null);
  if (connection !== "offline") return null;
  const words = texts.offline;
  const wait = retryAt === null ? null : Math.max(0, (retryAt - now) / 1_000);
  return (
    <Notice
      tone="warn"
      title={words.title}
      actions={
        <Button icon="retry" onClick={onAgain}>
          {words.now}
        </Button>
      }
    >
      <p>
        {words.body} {wait !== null && words.next(duration(wait))}
      </p>
    </Notice>
  );
}
