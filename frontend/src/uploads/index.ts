// Uploads, without React. Only what is exported here is public.
export type { UploadEnvironment } from "./environment.ts";
export type { UploadItem, UploadSnapshot, UploadState } from "./items.ts";
export { UPLOAD_ENDED } from "./items.ts";
export type { AddOptions, NewFile, UploadManagerOptions } from "./manager.ts";
export { UploadManager } from "./manager.ts";
