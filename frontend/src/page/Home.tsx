import { useState } from "react";
import { Button } from "../components/Button.tsx";
import { Icon } from "../components/Icon.tsx";
import { JobFilters } from "../components/JobFilters.tsx";
import { JobList } from "../components/JobList.tsx";
import { type Draft, NewDownload } from "../components/NewDownload.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { Sheet } from "../components/Sheet.tsx";
import type { Sharing } from "../components/sharing.ts";
import { useMediaQuery } from "../components/useMediaQuery.ts";
import type { DownloadManager, JobFilter } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { hrefOf, navigateOnClick } from "./routes.ts";

/** The sign-in is shown in a moment. */
const UNAUTHENTICATED = 401;

interface Props {
  manager: DownloadManager;
  draft: Draft;
  filter: JobFilter;
  sharing: Sharing | undefined;
  onFilter(filter: JobFilter): void;
  onStarted(jobId: string, save?: boolean): void;
}

/** The form beside the list; on narrow screens the list, and the form as a sheet over it. */
export function Home(props: Props) {
  const { manager, draft, onStarted } = props;
  const isWide = useMediaQuery("(min-width: 62.5rem)");
  const [open, setOpen] = useState(false);
  const form = <NewDownload manager={manager} draft={draft} onStarted={onStarted} />;
  return (
    <div className="home">
      <h1 className="visually-hidden">{texts.name}</h1>
      {isWide && form}
      {!isWide && open && (
        <Sheet label={texts.form.title} onClose={() => setOpen(false)}>
          {form}
        </Sheet>
      )}
      <Jobs {...props} onCreate={isWide ? null : () => setOpen(true)} />
    </div>
  );
}

function Jobs({ manager, filter, sharing, onFilter, onStarted, onCreate }: Props & { onCreate: (() => void) | null }) {
  const { listed, loading, hasMore, listProblem, loadMore, refresh } = manager;
  const text = texts.jobs;
  const isFiltered = Boolean(filter.q?.trim() || filter.status?.length);
  const isEmpty = listed.length === 0 && !listProblem;
  const isShown = listProblem !== null && listProblem.status !== null && listProblem.status !== UNAUTHENTICATED;
  return (
    <section className="jobs" aria-labelledby="jobs-title">
      <div className="jobs-head">
        <h2 id="jobs-title">{text.title}</h2>
        {onCreate && (
          <Button kind="primary" icon="plus" onClick={onCreate}>
            {text.create}
          </Button>
        )}
        {(listed.length > 0 || isFiltered) && <JobFilters filter={filter} onChange={onFilter} />}
      </div>
      {isShown && <ProblemNotice action="list" problem={listProblem} onRetry={refresh} />}
      {listed.length === 0 && listProblem?.status === null && <p className="empty">{text.unknown}</p>}
      {isEmpty && loading && <p className="empty">{isFiltered ? text.searching : text.loading}</p>}
      {isEmpty && !loading && (isFiltered ? <NoneFound onClear={() => onFilter({})} /> : <NoDownloads />)}
      {listed.length > 0 && (
        <JobList
          jobs={listed}
          manager={manager}
          sharing={sharing}
          hrefOf={hrefOf}
          onOpen={navigateOnClick}
          onStarted={onStarted}
        />
      )}
      {hasMore && (
        <Button className="load-more" busy={loading} onClick={loadMore}>
          {loading ? (isFiltered ? text.searching : text.loading) : text.more}
        </Button>
      )}
    </section>
  );
}

function NoneFound({ onClear }: { onClear(): void }) {
  return (
    <div className="nothing">
      <Icon name="search" />
      <p>
        <strong>{texts.jobs.noneFound}</strong>
      </p>
      <Button onClick={onClear}>{texts.jobs.clearFilter}</Button>
    </div>
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
