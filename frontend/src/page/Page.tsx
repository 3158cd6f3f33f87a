import { useDownloadManager } from "../hooks/index.ts";

/** The jobs and how they are; the form and the rest are still to come. */
export function Page() {
  const { connection, jobs } = useDownloadManager();
  return (
    <main data-connection={connection}>
      <h1>Haulage</h1>
      <ul>
        {jobs.map((job) => (
          <li key={job.jobId} data-job={job.jobId} data-status={job.status}>
            {job.archiveName ?? job.jobId}: {job.status} {job.percent ?? "…"} %
          </li>
        ))}
      </ul>
    </main>
  );
}
