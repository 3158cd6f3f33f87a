import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Client } from "../client/index.ts";
import { Announcer } from "../components/Announcer.tsx";
import { ConnectionBadge } from "../components/ConnectionBadge.tsx";
import type { Draft } from "../components/NewDownload.tsx";
import { NotLoaded } from "../components/NotLoaded.tsx";
import { OfflineBanner } from "../components/OfflineBanner.tsx";
import { useSilence } from "../components/useSilence.ts";
import { type JobFilter, useDownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { AccountView } from "./AccountView.tsx";
import { Header } from "./Header.tsx";
import { Home } from "./Home.tsx";
import { JobView } from "./JobView.tsx";
import { NotificationToggle } from "./NotificationToggle.tsx";
import { useNotifications } from "./notifications.ts";
import { authenticatedFetch } from "./requests.ts";
import { hrefOf, navigate, navigateOnClick, ROOT, routeOf, usePath } from "./routes.ts";
import type { Session } from "./session.ts";
import { sharing } from "./sharing.ts";
import { tabStatusOf, uploadsTabStatus, useTabStatus } from "./tabStatus.ts";
import { NO_UPLOADS } from "./uploading.ts";
import { useAutoSave } from "./useAutoSave.ts";
import { useReachability } from "./useReachability.ts";

const Uploads = lazy(() =>
  import("./Uploads.tsx").catch(() => ({ default: ({ shown }: { shown: boolean }) => (shown ? <NotLoaded /> : null) })),
);

interface Props {
  session: Session;
  draft: Draft;
  filter: JobFilter;
  onFilter(filter: JobFilter): void;
}

/** Everything that one session shows. It has a client of its own, so that nothing is left of an earlier one. */
export function Downloads({ session, draft, filter, onFilter }: Props) {
  const { caller } = session;
  const [client] = useState(newClient);
  const manager = useDownloadManager({ client, filter });
  const autoSave = useAutoSave(manager);
  const { connection, retryAt, jobs, reconnect, refresh, listProblem } = manager;
  const path = usePath();
  const route = useMemo(() => routeOf(path), [path]);
  const notifications = useNotifications(jobs);
  const isUploads = route.name === "uploads";
  const [hasUploads, setHasUploads] = useState(isUploads);
  if (isUploads && !hasUploads) setHasUploads(true);
  const [uploading, setUploading] = useState(NO_UPLOADS);
  const tabStatus = tabStatusOf(jobs, route.name === "job" ? jobs.find((job) => job.jobId === route.jobId) : undefined);
  const isFree = isUploads || (route.name !== "job" && tabStatus.percent === null);
  useTabStatus((isFree && uploadsTabStatus(uploading, route.name)) || tabStatus);
  const onStarted = useCallback(
    (jobId: string, save = false) => {
      if (save) autoSave.set(jobId, true);
      navigate(hrefOf(jobId), { replace: window.location.search !== "" });
    },
    [autoSave.set],
  );
  const { isReachable, check } = useReachability(connection === "idle");
  useOnReturn(isReachable, refresh);
  const retry = () => {
    reconnect();
    check();
    void refresh();
  };
  const silence = useSilence(client, connection);
  const isOffline = connection === "offline" || !isReachable || (listProblem !== null && listProblem.status === null);
  const shown = isOffline ? "offline" : connection;
  const shares = caller?.mode === "required" ? sharing : undefined;
  return (
    <>
      <Header session={session} view={route.name} uploaded={uploading.count > 0 ? uploading.percent : null}>
        <ConnectionBadge connection={shown} silence={silence} />
        <NotificationToggle {...notifications} />
      </Header>
      <main id="content" tabIndex={-1} data-stale={silence !== null || undefined}>
        <OfflineBanner connection={shown} retryAt={retryAt} silence={silence} onRetry={retry} />
        {route.name === "home" && (
          <Home
            manager={manager}
            draft={draft}
            filter={filter}
            sharing={shares}
            onFilter={onFilter}
            onStarted={onStarted}
          />
        )}
        {route.name === "job" && (
          <JobView
            jobId={route.jobId}
            manager={manager}
            autoSave={autoSave}
            sharing={shares}
            onStarted={onStarted}
            onChoose={() => navigate(ROOT)}
          />
        )}
        {hasUploads && (
          <Suspense fallback={isUploads && <p className="empty">{texts.views.loading}</p>}>
            <Uploads
              shown={isUploads}
              client={client}
              caller={caller}
              downloads={manager}
              draft={draft}
              onStarted={onStarted}
              onActivity={setUploading}
            />
          </Suspense>
        )}
        {route.name === "account" && caller && <AccountView caller={caller} />}
        {route.name === "notFound" && <NotFound />}
      </main>
      <Announcer jobs={jobs} connection={shown} other={uploading.announcement} />
    </>
  );
}

function newClient(): Client {
  return new Client({
    baseUrl: window.location.origin + ROOT.slice(0, -1),
    environment: { fetch: authenticatedFetch },
  });
}

/** Calls `onReturn` when the server can be reached again. */
function useOnReturn(isReachable: boolean, onReturn: () => void): void {
  const wasReachable = useRef(true);
  useEffect(() => {
    if (isReachable && !wasReachable.current) onReturn();
    wasReachable.current = isReachable;
  }, [isReachable, onReturn]);
}

function NotFound() {
  const text = texts.notFound;
  return (
    <div className="nothing">
      <h1>{text.title}</h1>
      <p>{text.body}</p>
      <p>
        <a href={ROOT} onClick={navigateOnClick}>
          {text.home}
        </a>
      </p>
    </div>
  );
}
