import type { Client, ConnectionStatus } from "../client/index.ts";
import { useNow } from "./useNow.ts";

/** Seconds. A server that works responds to a probe after 5 s of silence, so less says nothing. */
const NOTABLE = 8;

/** Seconds since anything was received from the server; null while that is recent, or no job is followed. */
export function useSilence(client: Client, connection: ConnectionStatus): number | null {
  const now = useNow(connection !== "idle");
  if (connection === "idle" || client.receivedAt === null) return null;
  const seconds = (now - client.receivedAt) / 1_000;
  return seconds < NOTABLE ? null : seconds;
}
