// The rows of the list: the files that this page sends, and the user's other uploads on the server.
import type { Job } from "../../client/index.ts";
import type { components } from "../../client/openapi.ts";
import type { UploadItem, UploadState } from "../../uploads/index.ts";
import type { PreviewFacts } from "../previews/usePreview.ts";

export type ListedUpload = components["schemas"]["UploadItem"];

/** `elsewhere`: it is sent by another device, or was left by one. */
export type RowState = UploadState | "elsewhere";

export interface Row {
  key: string;
  name: string;
  /** Bytes. */
  size: number;
  state: RowState;
  /** How much was sent: 0 to 100. */
  percent: number;
  jobId: string | null;
  /** The id in the catalogue, once the upload is completed. */
  fileId: number | null;
  /** Null while it is not known. */
  contentType: string | null;
  /** What the server's list says of its previews; null if it is not known from a list. */
  previews: PreviewFacts | null;
  /** What is wrong, as a sentence. */
  message: string | null;
  /** The file is another one than that of which parts were sent, so that it is sent from the beginning. */
  changed: boolean;
  /** The browser may read the file again if the user permits it, so that it need not be chosen. */
  hasHandle: boolean;
  /** Known to the manager of this page; else only to the server. */
  isManaged: boolean;
}

const OTHERS: Record<Job["status"], RowState> = {
  receiving: "elsewhere",
  queued: "checking",
  processing: "checking",
  retrying: "checking",
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  expired: "cancelled",
};

/** Rows that need the user, or that move, come first; each group in the order in which it was added. */
const ORDER: readonly (readonly RowState[])[] = [
  ["needs-file", "failed"],
  ["sending", "checking", "paused", "offline", "elsewhere"],
  ["waiting"],
  ["completed", "cancelled"],
];

const PLACES = new Map(ORDER.flatMap((states, place) => states.map((state) => [state, place])));

/** All rows, in the order of the list. */
export function rowsOf(items: readonly UploadItem[], others: readonly Row[]): Row[] {
  const groups: Row[][] = ORDER.map(() => []);
  const place = (row: Row) => groups[PLACES.get(row.state) as number]?.push(row);
  for (const item of items) place(ownRow(item));
  for (const row of others) place(row);
  return groups.flat();
}

const known = new WeakMap<UploadItem, Row>();

/** The same object until the item changes, which the manager replaces then. */
export function ownRow(item: UploadItem): Row {
  let row = known.get(item);
  if (row === undefined) {
    row = newOwnRow(item);
    known.set(item, row);
  }
  return row;
}

function newOwnRow(item: UploadItem): Row {
  const { key, name, size, bytesSent, job, changed = false, hasHandle = false } = item;
  const state = item.state === "needs-file" && item.isElsewhere ? "elsewhere" : item.state;
  return {
    key,
    name,
    size,
    state,
    percent: size === 0 ? 0 : (100 * bytesSent) / size,
    jobId: item.jobId ?? null,
    fileId: item.fileId ?? null,
    contentType: null,
    previews: null,
    message: item.problem?.message ?? job?.detail?.error?.message ?? null,
    changed,
    hasHandle,
    isManaged: true,
  };
}

const knownOthers = new WeakMap<ListedUpload, { job: Job | undefined; row: Row }>();

/** `job`: what the client knows of it, if it is followed. The same object until either changes. */
export function otherRow(upload: ListedUpload, job: Job | undefined): Row {
  let one = knownOthers.get(upload);
  if (one === undefined || one.job !== job) {
    one = { job, row: newOtherRow(upload, job) };
    knownOthers.set(upload, one);
  }
  return one.row;
}

function newOtherRow(upload: ListedUpload, job: Job | undefined): Row {
  const { jobId, upload: file } = upload;
  const status = job?.detail ? job.status : upload.status;
  return {
    key: jobId,
    name: file.name,
    size: file.size,
    state: OTHERS[status],
    percent: (job?.detail ? job.percent : upload.percent) ?? 0,
    jobId,
    fileId: file.fileId,
    contentType: file.detectedType ?? file.contentType,
    previews: { thumbnailId: upload.thumbnailId ?? null, processing: upload.processing ?? null }, // older servers send neither
    message: job?.detail?.error?.message ?? null,
    changed: false,
    hasHandle: false,
    isManaged: false,
  };
}

export const FILTERS = {
  all: () => true,
  running: ({ state }: Row) => ["waiting", "sending", "paused", "offline", "checking", "elsewhere"].includes(state),
  done: ({ state }: Row) => state === "completed",
  problems: ({ state }: Row) => state === "failed" || state === "needs-file",
} satisfies Record<string, (row: Row) => boolean>;
export type Filter = keyof typeof FILTERS;
