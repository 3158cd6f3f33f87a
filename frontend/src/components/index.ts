// Components that show the state of `useDownloadManager()`. Styles are in ../styles.
export { Announcer } from "./Announcer.tsx";
export { ConnectionBadge } from "./ConnectionBadge.tsx";
export { Download } from "./Download.tsx";
export { FileTable } from "./FileTable.tsx";
export { JobFilters } from "./JobFilters.tsx";
export { JobList } from "./JobList.tsx";
export { JobProgress } from "./JobProgress.tsx";
export { NewDownload, useDraft } from "./NewDownload.tsx";
export { OfflineBanner } from "./OfflineBanner.tsx";
export { ProblemNotice } from "./ProblemNotice.tsx";
export { ProgressBar } from "./ProgressBar.tsx";
export { ReadyCard } from "./ReadyCard.tsx";
