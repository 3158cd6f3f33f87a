export type { DownloadManager, DownloadManagerOptions, Failure } from "./useDownloadManager.ts";
export { useDownloadManager, useJob } from "./useDownloadManager.ts";
