import { useEffect, useState, useSyncExternalStore } from "react";
import { ConnectionBadge } from "../components/ConnectionBadge.tsx";
import { OfflineBanner } from "../components/OfflineBanner.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { useSilence } from "../components/useSilence.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { authenticatedFetch } from "../page/requests.ts";
import { navigateOnClick, OPERATIONS, ROOT, usePath } from "../page/routes.ts";
import { SignIn } from "../page/SignIn.tsx";
import { type Caller, type Session, useSession } from "../page/session.ts";
import { texts } from "../texts.ts";
import { OverviewFeed } from "./feed.ts";
import { JobsView } from "./JobsView.tsx";
import { JobView } from "./JobView.tsx";
import { OperatorHeader } from "./OperatorHeader.tsx";
import { Overview } from "./Overview.tsx";
import { rightsOf } from "./rights.ts";
import { routeOf } from "./routes.ts";

/** The sign-in, or a plain page for those who may not see operations, or operations. */
export function OperatorPage() {
  const session = useSession();
  const { caller, isSignedOut, generation } = session;
  const rights = caller && rightsOf(caller);
  return (
    <>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      {rights?.canSee && !isSignedOut ? (
        <Operations key={generation} session={session} {...rights} />
      ) : (
        <>
          <OperatorHeader session={session} />
          <main id="content" tabIndex={-1}>
            {isSignedOut ? <SignIn {...session} /> : caller && <Refused caller={caller} />}
          </main>
        </>
      )}
    </>
  );
}

interface Props extends ReturnType<typeof rightsOf> {
  session: Session;
}

function Operations({ session, canAct }: Props) {
  const [feed] = useState(newFeed);
  const { connection, retryAt, overview, problem } = useSyncExternalStore(feed.subscribe, feed.getState);
  useEffect(() => feed.follow(), [feed]);
  const silence = useSilence(feed, connection);
  const path = usePath();
  const route = routeOf(path);
  return (
    <>
      <OperatorHeader session={session} route={route}>
        <ConnectionBadge connection={connection} silence={silence} />
      </OperatorHeader>
      <main id="content" tabIndex={-1} data-stale={silence !== null || undefined}>
        <OfflineBanner
          connection={connection}
          retryAt={retryAt}
          silence={silence}
          body={operatorTexts.offline}
          onRetry={() => feed.reconnect()}
        />
        {!canAct && <p className="fine">{operatorTexts.readOnly}</p>}
        {problem && <ProblemNotice action="view" problem={problem} onRetry={() => feed.reconnect()} />}
        {route.name === "overview" && <Overview overview={overview} canAct={canAct} />}
        {route.name === "jobs" && <JobsView canAct={canAct} />}
        {route.name === "job" && <JobView key={route.jobId} jobId={route.jobId} canAct={canAct} />}
        {route.name === "notFound" && <NotFound />}
      </main>
    </>
  );
}

function newFeed(): OverviewFeed {
  return new OverviewFeed({
    baseUrl: window.location.origin + ROOT.slice(0, -1),
    environment: { fetch: authenticatedFetch },
  });
}

function Refused({ caller }: { caller: Caller }) {
  const text = operatorTexts.refused;
  return (
    <div className="nothing">
      <h1>{text.title}</h1>
      <p>{text.body(caller.user ?? "")}</p>
      <p>
        <a href={ROOT}>{text.home}</a>
      </p>
    </div>
  );
}

function NotFound() {
  return (
    <div className="nothing">
      <h1>{texts.notFound.title}</h1>
      <p>{texts.notFound.body}</p>
      <p>
        <a href={OPERATIONS} onClick={navigateOnClick}>
          {operatorTexts.notFound}
        </a>
      </p>
    </div>
  );
}
