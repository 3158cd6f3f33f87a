import { useEffect, useState } from "react";
import type { Client, ConnectionStatus } from "../client/index.ts";

/** Seconds. A server that works responds to a probe after 5 s of silence, so less says nothing. */
const NOTABLE = 8;

/** Seconds since anything was received from the server; null while that is recent, or no job is followed. */
export function useSilence(client: Pick<Client, "receivedAt">, connection: ConnectionStatus): number | null {
  const [silence, setSilence] = useState<number | null>(null);
  const isFollowing = connection !== "idle";
  useEffect(() => {
    // Renders only while there is something to show.
    const update = () => setSilence(isFollowing ? silenceOf(client) : null);
    update();
    if (!isFollowing) return;
    const timer = setInterval(update, 1_000);
    return () => clearInterval(timer);
  }, [client, isFollowing]);
  return silence;
}

function silenceOf({ receivedAt }: Pick<Client, "receivedAt">): number | null {
  const seconds = receivedAt === null ? 0 : (Date.now() - receivedAt) / 1_000;
  return seconds < NOTABLE ? null : seconds;
}
