// The Web Worker that computes CRC-32s, so that the page stays responsive. It reads the files itself.
import { crc32Of } from "./reading.ts";

export interface Asked {
  id: number;
  /** Null: the result is not needed any more. */
  blob: Blob | null;
}
export type Computed = { id: number; crc: number } | { id: number; error: string };

const wanted = new Set<number>();

addEventListener("message", async ({ data: { id, blob } }: MessageEvent<Asked>) => {
  if (blob === null) return void wanted.delete(id);
  wanted.add(id);
  let computed: Computed;
  try {
    computed = { id, crc: await crc32Of(blob, () => !wanted.has(id)) };
  } catch (error) {
    computed = { id, error: String(error) };
  }
  if (wanted.delete(id)) postMessage(computed);
});
