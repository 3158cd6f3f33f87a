// The hooks. Only what is exported here is public.
export { ClientContext, sharedClient, useJob } from "./useClient.ts";
export type { DownloadManager, DownloadManagerOptions, Failure } from "./useDownloadManager.ts";
export { useDownloadManager } from "./useDownloadManager.ts";
export type { JobFilter } from "./useJobList.ts";
export type { UploadManagerHookOptions, Uploads } from "./useUploadManager.ts";
export { sharedUploadManager, useUploadManager } from "./useUploadManager.ts";
