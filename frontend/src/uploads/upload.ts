// An upload as this module works on it. Sizes in bytes.
import type { NewUploadItem, Visibility } from "../client/schemas.ts";

/** For whom the files are. */
export interface AddOptions {
  /** Defaults to the server's `UPLOAD_VISIBILITY`. */
  visibility?: Visibility | undefined;
  /** With `shared`. */
  groups?: readonly string[] | undefined;
}

/** What one start of an upload, until it is paused or ends, has to do. */
export interface Run {
  abort: AbortController;
  /** Parts that nobody sends, the next one last. */
  left: number[];
  /** How many parts are being sent. */
  busy: number;
}

export interface Upload {
  readonly key: string;
  readonly name: string;
  size: number;
  /** Milliseconds; 0 if unknown. */
  lastModified: number;
  /** Milliseconds. */
  readonly addedAt: number;
  /** Begun in this browser. Else it is known from the server only, and another device may be sending it. */
  readonly begunHere: boolean;
  /** How often its file was read again by the handle, as it had changed. */
  readAgain?: number;
  /** The user has picked a file of another name, which has to be proven the same by a part that was sent. */
  isRenamed?: boolean;
  /** It was begun once more as the store had dropped its parts. One that drops new ones refuses them for another reason. */
  isAnew?: boolean;
  /** Milliseconds: when another device was last seen to send some of it. */
  movedAt?: number;
  options: AddOptions;
  file: File | null;
  handle: FileSystemFileHandle | undefined;
  job: OpenJob | null;
  run: Run | null;
}

/** The job of an upload, while it receives parts. */
export interface OpenJob {
  readonly jobId: string;
  readonly partSize: number;
  readonly parts: number;
  /** Whether the parts of the store are known to be those of the file. */
  proven: boolean;
  /** Whether any URL was signed. The first request makes the multipart upload, so no other is made at the same time. */
  begun: boolean;
  /** Parts that the store has, and those of them which the server does not know of yet. */
  readonly sent: Set<number>;
  readonly unreported: Set<number>;
  /** Bytes of parts that are on their way. */
  readonly moving: Map<number, number>;
  bytesSent: number;
}

export function openJob({ jobId, upload }: Pick<NewUploadItem, "jobId" | "upload">, proven: boolean): OpenJob {
  const { partSize, parts } = upload;
  const sent = {
    sent: new Set<number>(),
    unreported: new Set<number>(),
    moving: new Map<number, number>(),
    bytesSent: 0,
  };
  return { jobId, partSize, parts, proven, begun: false, ...sent };
}

export function partOf(file: File, { partSize }: OpenJob, number: number): Blob {
  return file.slice((number - 1) * partSize, number * partSize);
}

/** The parts that the store lacks, the first one last. */
export function missing({ parts, sent }: OpenJob): number[] {
  const numbers: number[] = [];
  for (let number = parts; number > 0; number -= 1) if (!sent.has(number)) numbers.push(number);
  return numbers;
}
