// The models of the server's OpenAPI document, under their own names.
import type { components } from "./openapi.ts";

type Schemas = components["schemas"];

export type Accepted = Schemas["Accepted"];
export type CatalogueFile = Schemas["CatalogueFile"];
export type Compression = Schemas["Compression"];
export type DerivativeItem = Schemas["DerivativeItem"];
export type ErrorClass = Schemas["ErrorClass"];
export type ErrorView = Schemas["ErrorView"];
export type Event = Schemas["Event"];
export type EventType = Schemas["EventType"];
export type FileDetail = Schemas["FileDetail"];
export type FilePage = Schemas["FilePage"];
export type FileState = Schemas["FileState"];
export type FileView = Schemas["FileView"];
export type HistoryPage = Schemas["HistoryPage"];
export type JobItem = Schemas["JobItem"];
export type JobPage = Schemas["JobPage"];
export type JobStatus = Schemas["JobStatus"];
export type Kind = Schemas["Kind"];
export type Link = Schemas["Link"];
export type Links = Schemas["Links"];
export type NewUploadItem = Schemas["NewUploadItem"];
export type OmittedFile = Schemas["OmittedFile"];
export type OnMissing = Schemas["OnMissing"];
export type PartsSigned = Schemas["PartsSigned"];
export type Phase = Schemas["Phase"];
export type Preflight = Schemas["Preflight"];
export type ProblemBody = Schemas["ProblemBody"];
export type ProcessingSummary = Schemas["ProcessingSummary"];
export type ProcessingView = Schemas["ProcessingView"];
export type ProgressView = Schemas["ProgressView"];
export type ResultView = Schemas["ResultView"];
export type Root = Schemas["Root"];
export type Status = Schemas["Status"];
export type UploadListItem = Schemas["UploadItem"];
export type UploadPage = Schemas["UploadPage"];
export type UploadParts = Schemas["UploadParts"];
export type UploadsCreated = Schemas["UploadsCreated"];
export type UploadStatus = Schemas["UploadStatus"];
export type UploadView = Schemas["UploadView"];
export type Visibility = Schemas["Visibility"];

/** The files of a job: ids, or ids with names; 1 to 1,000 different ones. */
export interface FileSelection {
  file_ids?: number[];
  files?: { file_id: number; name?: string | null }[];
  archiveName?: string | null;
  /** What to do if files are missing; defaults to `fail`. */
  onMissing?: Schemas["OnMissing"];
  /** How files are compressed in a bundle; defaults to `store`. */
  compression?: Compression;
}

export const ENDED: ReadonlySet<Status> = new Set(["completed", "failed", "cancelled", "expired"]);
/** Statuses in which a job can be retried by its owner. */
export const RETRYABLE: ReadonlySet<Status> = new Set(["failed", "cancelled", "expired"]);
