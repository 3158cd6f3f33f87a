// Shell commands that verify a downloaded file, in the folder in which it was saved.
import { quoted } from "./shell.ts";

/** Compares the SHA-256 (GNU coreutils; on macOS `shasum -a 256 -c` takes the same input). */
export function sha256Command(filename: string, sha256: string): string {
  return `echo ${quoted(`${sha256}  ${filename}`)} | sha256sum -c`;
}

/** Reads every file of a bundle and compares its CRC-32. */
export function testCommand(filename: string): string {
  return `unzip -tq ${operand(filename)}`;
}

/** Prints the CRC-32 of the whole file. */
export function crc32Command(filename: string): string {
  return `7z h -scrcCRC32 ${operand(filename)}`;
}

/** A name that starts with a dash would be read as an option. */
function operand(filename: string): string {
  return quoted(filename.startsWith("-") ? `./${filename}` : filename);
}
