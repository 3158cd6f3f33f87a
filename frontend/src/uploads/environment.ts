// What uploads need from the browser, beside what the client needs. Tests inject fakes.
import { type Checksums, createChecksums } from "./checksums.ts";
import { type Put, put } from "./put.ts";
import { openRecords, type Records } from "./records.ts";

export interface UploadEnvironment {
  checksums: Checksums;
  /** Sends a part to the store. */
  put: Put;
  /** What survives a reload. */
  records: Records;
}

export function browserUploads(): UploadEnvironment {
  return { checksums: createChecksums(), put, records: openRecords() };
}
