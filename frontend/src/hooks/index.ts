// The hooks. What is exported here is the public interface.
export { sharedClient, useJob } from "./useClient.ts";
export type { DownloadManager, DownloadManagerOptions, Failure } from "./useDownloadManager.ts";
export { useDownloadManager } from "./useDownloadManager.ts";
