import { Button } from "../components/Button.tsx";
import { Icon } from "../components/Icon.tsx";
import { JobCard } from "../components/JobCard.tsx";
import { NewDownload } from "../components/NewDownload.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { hrefOf, navigateOnClick } from "./routes.ts";

interface Props {
  manager: DownloadManager;
  onStarted(jobId: string): void;
}

export function Home({ manager, onStarted }: Props) {
  return (
    <div className="home">
      <h1 className="visually-hidden">{texts.name}</h1>
      <NewDownload manager={manager} onStarted={onStarted} />
      <Jobs manager={manager} onStarted={onStarted} />
    </div>
  );
}

function Jobs({ manager, onStarted }: Props) {
  const { jobs, loading, hasMore, listProblem, loadMore, refresh } = manager;
  const text = texts.jobs;
  const shown = jobs.filter((job) => job.problem === null);
  return (
    <section className="jobs" aria-labelledby="jobs-title">
      <h2 id="jobs-title">{text.title}</h2>
      {listProblem && listProblem.status !== null && (
        <ProblemNotice action="list" problem={listProblem} onRetry={refresh} />
      )}
      {shown.length === 0 && !listProblem && (loading ? <p className="empty">{text.loading}</p> : <NoDownloads />)}
      <ul className="job-list">
        {shown.map((job) => (
          <li key={job.jobId}>
            <JobCard
              job={job}
              manager={manager}
              href={hrefOf(job.jobId)}
              onOpen={navigateOnClick}
              onStarted={onStarted}
            />
          </li>
        ))}
      </ul>
      {hasMore && (
        <Button busy={loading} onClick={loadMore}>
          {text.more}
        </Button>
      )}
    </section>
  );
}

function NoDownloads() {
  return (
    <div className="nothing">
      <Icon name="box" />
      <p>
        <strong>{texts.jobs.none}</strong>
      </p>
      <p>{texts.jobs.noneHint}</p>
    </div>
  );
}
