import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Client } from "../client/index.ts";
import { Announcer } from "../components/Announcer.tsx";
import { useDraft } from "../components/NewDownload.tsx";
import { OfflineBanner } from "../components/OfflineBanner.tsx";
import { useSilence } from "../components/useSilence.ts";
import { type JobFilter, useDownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { SignIn } from "./Account.tsx";
import { Header } from "./Header.tsx";
import { Home } from "./Home.tsx";
import { JobView } from "./JobView.tsx";
import { useNotifications } from "./notifications.ts";
import { hrefOf, navigate, navigateOnClick, ROOT, routeOf, usePath } from "./routes.ts";
import { tabStatusOf, useTabStatus } from "./tabStatus.ts";
import { useAutoSave } from "./useAutoSave.ts";
import { useReachability } from "./useReachability.ts";

const client = new Client({ baseUrl: window.location.origin + ROOT.slice(0, -1) });

export function Page() {
  const [filter, setFilter] = useState<JobFilter>({});
  const manager = useDownloadManager({ client, filter });
  const draft = useDraft();
  const autoSave = useAutoSave(manager);
  const { connection, retryAt, jobs, reconnect, refresh, listProblem } = manager;
  const path = usePath();
  const route = useMemo(() => routeOf(path), [path]);
  const notifications = useNotifications(jobs);
  useTabStatus(tabStatusOf(jobs, route.name === "job" ? jobs.find((job) => job.jobId === route.jobId) : undefined));
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
  const silence = useSilence(manager.client, connection);
  const offline = connection === "offline" || !isReachable || (listProblem !== null && listProblem.status === null);
  const signedOut = listProblem?.status === 401;
  return (
    <>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      <Header connection={offline ? "offline" : connection} silence={silence} notifications={notifications} />
      <main id="content" tabIndex={-1} data-stale={silence !== null || undefined}>
        <OfflineBanner
          connection={offline ? "offline" : connection}
          retryAt={retryAt}
          silence={silence}
          onRetry={retry}
        />
        {signedOut && <SignIn />}
        {!signedOut && route.name === "home" && (
          <Home manager={manager} draft={draft} filter={filter} onFilter={setFilter} onStarted={onStarted} />
        )}
        {!signedOut && route.name === "job" && (
          <JobView
            jobId={route.jobId}
            manager={manager}
            autoSave={autoSave}
            onStarted={onStarted}
            onChoose={() => navigate(ROOT)}
          />
        )}
        {route.name === "notFound" && <NotFound />}
      </main>
      <Announcer jobs={jobs} connection={offline ? "offline" : connection} />
    </>
  );
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
