"use client";

// The hook holds the state of all downloads, and this component renders it.
import { Client } from "haulage/client";
import { useDownloadManager } from "haulage/hooks";

const client = new Client({ baseUrl: process.env.NEXT_PUBLIC_HAULAGE_SERVER ?? "http://127.0.0.1:8080" });

export function Downloads({ fileIds }: { fileIds: number[] }) {
  const { connection, jobs, failures, start, retry, cancel, fileUrl, dismiss } = useDownloadManager({ client });
  return (
    <section>
      <button type="button" onClick={() => start({ file_ids: fileIds, archiveName: "my files" })}>
        Download {fileIds.length} files
      </button>
      <p>Updates: {connection}</p>
      {failures.map(({ id, action, problem }) => (
        <p key={id} role="alert">
          {action}: {problem.message} {problem.retryAfter !== null && `Try again in ${problem.retryAfter} s.`}
          <button type="button" onClick={() => dismiss(id)}>
            Dismiss
          </button>
        </p>
      ))}
      <ul>
        {jobs.map(({ jobId, title, archiveName, status, percent }) => (
          <li key={jobId} data-status={status}>
            {title ?? archiveName ?? jobId}: {status} <progress max={100} value={percent ?? undefined} />
            {status === "completed" && <a href={fileUrl(jobId)}>Save</a>}
            {status === "failed" && (
              <button type="button" onClick={() => retry(jobId)}>
                Retry
              </button>
            )}
            {status === "processing" && (
              <button type="button" onClick={() => cancel(jobId)}>
                Cancel
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
