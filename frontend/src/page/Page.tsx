import { useCallback, useMemo } from "react";
import { Announcer } from "../components/Announcer.tsx";
import { OfflineBanner } from "../components/OfflineBanner.tsx";
import { useDownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Header } from "./Header.tsx";
import { Home } from "./Home.tsx";
import { JobView } from "./JobView.tsx";
import { useNotifications } from "./notifications.ts";
import { go, goOnClick, hrefOf, routeOf, usePath } from "./routes.ts";
import { tabOf, useTab } from "./tabs.ts";

export function Page() {
  const manager = useDownloadManager();
  const { connection, retryAt, jobs, reconnect, refresh, listProblem } = manager;
  const path = usePath();
  const route = useMemo(() => routeOf(path), [path]);
  const notifications = useNotifications(jobs);
  useTab(tabOf(jobs, route.name === "job" ? jobs.find((job) => job.jobId === route.jobId) : undefined));
  const onStarted = useCallback((jobId: string) => go(hrefOf(jobId), { replace: window.location.search !== "" }), []);
  const again = () => {
    reconnect();
    void refresh();
  };
  const cut = connection === "offline" || (listProblem !== null && listProblem.status === null);
  return (
    <>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      <Header connection={cut ? "offline" : connection} notifications={notifications} />
      <main id="content" tabIndex={-1}>
        <OfflineBanner connection={cut ? "offline" : connection} retryAt={retryAt} onAgain={again} />
        {route.name === "home" && <Home manager={manager} onStarted={onStarted} />}
        {route.name === "job" && <JobView jobId={route.jobId} manager={manager} onStarted={onStarted} />}
        {route.name === "notFound" && <NotFound />}
      </main>
      <Announcer jobs={jobs} connection={cut ? "offline" : connection} />
    </>
  );
}

function NotFound() {
  const words = texts.notFound;
  return (
    <div className="nothing">
      <h1>{words.title}</h1>
      <p>{words.body}</p>
      <p>
        <a href="/" onClick={goOnClick}>
          {words.home}
        </a>
      </p>
    </div>
  );
}
