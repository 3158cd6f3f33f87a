// The CRC-32 of a piece of a file, which is read in small pieces: a part may be 5 GiB.
import { crc32 } from "./crc32.ts";

const PIECE = 1 << 20; // bytes

/** Rejects with the browser's `NotReadableError` if the file was changed or removed since it was chosen. */
export async function crc32Of(blob: Blob, stopped: () => boolean = () => false): Promise<number> {
  let crc = 0;
  for (let start = 0; start < blob.size && !stopped(); start += PIECE) {
    crc = crc32(new Uint8Array(await blob.slice(start, start + PIECE).arrayBuffer()), crc);
  }
  return crc;
}
