// A page of an app. Its users download files from Haulage with grants of the app, and have no account there.
import { Haulage, useAccess } from "haulage/embed";
import { useDownloadManager } from "haulage/hooks";
import { createRoot } from "react-dom/client";

const SERVER = import.meta.env.VITE_HAULAGE_SERVER ?? "http://127.0.0.1:8080";

/** Called at first, and again when the last grant expires or was refused. Null if the app lets the user do nothing more. */
async function grant(): Promise<string | null> {
  const response = await fetch("/grant");
  if (response.ok) return response.text();
  if (response.status === 401 || response.status === 403) return null;
  throw new Error(`The app returned ${response.status}.`); // it is called again later
}

function Downloads() {
  const { connection, jobs, failures, start, link } = useDownloadManager({ syncUrl: false });
  const { signedOut, renew } = useAccess();

  async function save(jobId: string) {
    const outcome = await link(jobId); // a problem is added to `failures`
    if (outcome.ok) window.location.assign(outcome.value.url);
  }

  return (
    <main>
      <button type="button" onClick={() => start()}>
        Download my photos
      </button>
      <p>
        Updates: <output>{connection}</output>
      </p>
      {failures.map(({ id, problem }) => (
        <p key={id} role="alert">
          {problem.message}
        </p>
      ))}
      {signedOut && (
        <p role="alert">
          Your access has ended.{" "}
          <button type="button" onClick={renew}>
            Sign in again
          </button>
        </p>
      )}
      <ul>
        {jobs.map(({ jobId, title, archiveName, status, percent }) => (
          <li key={jobId} data-status={status}>
            {title ?? archiveName ?? jobId}: {status} <progress max={100} value={percent ?? undefined} />
            {status === "completed" && (
              <button type="button" onClick={() => save(jobId)}>
                Save
              </button>
            )}
          </li>
        ))}
      </ul>
    </main>
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(
  <Haulage grant={grant} baseUrl={SERVER}>
    <Downloads />
  </Haulage>,
);
