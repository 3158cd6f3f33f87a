import { useCallback, useMemo } from "react";
import { Client } from "../client/index.ts";
import { Announcer } from "../components/Announcer.tsx";
import { OfflineBanner } from "../components/OfflineBanner.tsx";
import { useDownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Header } from "./Header.tsx";
import { Home } from "./Home.tsx";
import { JobView } from "./JobView.tsx";
import { useNotifications } from "./notifications.ts";
import { hrefOf, navigate, navigateOnClick, ROOT, routeOf, usePath } from "./routes.ts";
import { tabStatusOf, useTabStatus } from "./tabStatus.ts";

const client = new Client({ baseUrl: window.location.origin + ROOT.slice(0, -1) });

export function Page() {
  const manager = useDownloadManager({ client });
  const { connection, retryAt, jobs, reconnect, refresh, listProblem } = manager;
  const path = usePath();
  const route = useMemo(() => routeOf(path), [path]);
  const notifications = useNotifications(jobs);
  useTabStatus(tabStatusOf(jobs, route.name === "job" ? jobs.find((job) => job.jobId === route.jobId) : undefined));
  const onStarted = useCallback(
    (jobId: string) => navigate(hrefOf(jobId), { replace: window.location.search !== "" }),
    [],
  );
  const retry = () => {
    reconnect();
    void refresh();
  };
  const offline = connection === "offline" || (listProblem !== null && listProblem.status === null);
  return (
    <>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      <Header connection={offline ? "offline" : connection} notifications={notifications} />
      <main id="content" tabIndex={-1}>
        <OfflineBanner connection={offline ? "offline" : connection} retryAt={retryAt} onRetry={retry} />
        {route.name === "home" && <Home manager={manager} onStarted={onStarted} />}
        {route.name === "job" && <JobView jobId={route.jobId} manager={manager} onStarted={onStarted} />}
        {route.name === "notFound" && <NotFound />}
      </main>
      <Announcer jobs={jobs} connection={offline ? "offline" : connection} />
    </>
  );
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
