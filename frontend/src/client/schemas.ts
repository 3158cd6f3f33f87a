// The server's own models, by the names that it gives them.
import type { components } from "./openapi.ts";

type Schemas = components["schemas"];

export type Accepted = Schemas["Accepted"];
export type CatalogueFile = Schemas["CatalogueFile"];
export type Compression = Schemas["Compression"];
export type ErrorClass = Schemas["ErrorClass"];
export type ErrorView = Schemas["ErrorView"];
export type Event = Schemas["Event"];
export type EventType = Schemas["EventType"];
export type FilePage = Schemas["FilePage"];
export type FileState = Schemas["FileState"];
export type FileView = Schemas["FileView"];
export type HistoryPage = Schemas["HistoryPage"];
export type JobItem = Schemas["JobItem"];
export type JobPage = Schemas["JobPage"];
export type JobStatus = Schemas["JobStatus"];
export type Link = Schemas["Link"];
export type Links = Schemas["Links"];
export type OmittedFile = Schemas["OmittedFile"];
export type OnMissing = Schemas["OnMissing"];
export type Phase = Schemas["Phase"];
export type Preflight = Schemas["Preflight"];
export type ProblemBody = Schemas["ProblemBody"];
export type ProgressView = Schemas["ProgressView"];
export type ResultView = Schemas["ResultView"];
export type Root = Schemas["Root"];
export type Status = Schemas["Status"];

/** Which files: ids, or ids with names; 1 to 1,000 different ones. */
export interface FileSelection {
  file_ids?: number[];
  files?: { file_id: number; name?: string | null }[];
  archiveName?: string | null;
  /** What becomes of the job when files are missing; `fail` unless it is said. */
  onMissing?: Schemas["OnMissing"];
  /** How a bundle packs its files; `store` unless it is said. */
  compression?: Compression;
}

export const ENDED: ReadonlySet<Status> = new Set(["completed", "failed", "cancelled", "expired"]);
/** Statuses from which a person may have the job run again. */
export const RETRYABLE: ReadonlySet<Status> = new Set(["failed", "cancelled", "expired"]);
