import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { type Client, ENDED, type Problem } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import { FileViewer } from "../components/FileViewer.tsx";
import { bytes } from "../components/formats.ts";
import { Icon } from "../components/Icon.tsx";
import { type Draft, NewDownload } from "../components/NewDownload.tsx";
import { Notice } from "../components/Notice.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { Sheet } from "../components/Sheet.tsx";
import { announcedAgain, announcementOf } from "../components/uploads/announcements.ts";
import { type ChosenFile, inputFiles } from "../components/uploads/chosen.ts";
import { DropZone } from "../components/uploads/DropZone.tsx";
import { matchFiles } from "../components/uploads/matching.ts";
import { otherRow, type Row, type RowState, rowsOf } from "../components/uploads/rows.ts";
import { type Totals, totalsOf } from "../components/uploads/totals.ts";
import { UploadSummary } from "../components/uploads/UploadSummary.tsx";
import { nextFocus, selectedFile, UploadTable } from "../components/uploads/UploadTable.tsx";
import { useFileDrop } from "../components/uploads/useFileDrop.ts";
import { useIntake } from "../components/uploads/useIntake.ts";
import { optionsOf, useAccess, VisibilityFields } from "../components/uploads/VisibilityFields.tsx";
import { useFocusFallback } from "../components/useFocusFallback.ts";
import { useSame } from "../components/useSame.ts";
import { totalOf } from "../components/useSelection.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { ClientContext, useClientState } from "../hooks/useClient.ts";
import { useFollowedJobs } from "../hooks/useFollowedJobs.ts";
import { useUploadManager } from "../hooks/useUploadManager.ts";
import { UPLOAD_ENDED, UploadManager, type UploadSnapshot, type UploadState } from "../uploads/index.ts";
import { uploadTexts } from "../uploadTexts.ts";
import type { Caller } from "./session.ts";
import type { UploadActivity } from "./uploading.ts";
import { useUploadList } from "./useUploadList.ts";

import "../styles/uploads.css";

const WRITE = "files:write";

interface Props {
  /** Whether the view is open. What was begun goes on while it is not. */
  shown: boolean;
  client: Client;
  caller: Caller | undefined;
  downloads: DownloadManager;
  draft: Draft;
  onStarted(jobId: string, save?: boolean): void;
  onActivity(activity: UploadActivity): void;
}

/** Sends files, whether its view is shown or not, and shows them. Loaded when the view is opened for the first time. */
export default function Uploads(props: Props) {
  const { client, caller } = props;
  const [manager, setManager] = useState<UploadManager | null>(null);
  const scope = caller === undefined ? null : (caller.user ?? "");
  useEffect(() => {
    if (scope === null) return;
    const made = new UploadManager({ client, scope });
    setManager(made);
    return () => made.close();
  }, [client, scope]);
  return manager && <Managed {...props} manager={manager} />;
}

function Managed(props: Props & { manager: UploadManager }) {
  const { client, manager, shown, onActivity } = props;
  const snapshot = useUploadManager({ client, manager });
  const totals = useMemo(() => totalsOf(snapshot.items), [snapshot.items]);
  const announce = useActivity(totals, onActivity);
  useQuestionBeforeLeaving(totals.moving > 0);
  if (!shown) return null;
  return (
    <ClientContext.Provider value={client}>
      <View {...props} snapshot={snapshot} totals={totals} announce={announce} />
    </ClientContext.Provider>
  );
}

/** Reports counts and announcements to the page around. Returns a function that announces something else. */
function useActivity(totals: Totals, report: Props["onActivity"]): (news: string) => void {
  const before = useRef(totals);
  const [announcement, setAnnouncement] = useState("");
  const announce = useCallback((news: string) => setAnnouncement((last) => announcedAgain(last, news)), []);
  useEffect(() => {
    const news = announcementOf(before.current, totals);
    before.current = totals;
    if (news !== null) announce(news);
  }, [totals, announce]);
  const count = totals.active;
  const percent = Math.floor(totals.percent ?? 0);
  useEffect(() => report({ count, percent, announcement }), [report, count, percent, announcement]);
  return announce;
}

/** The browser asks whether to leave the page while it sends files. */
function useQuestionBeforeLeaving(isSending: boolean): void {
  useEffect(() => {
    if (!isSending) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isSending]);
}

interface ViewProps extends Props {
  manager: UploadManager;
  snapshot: UploadSnapshot;
  totals: Totals;
  announce(news: string): void;
}

function View(props: ViewProps) {
  const { caller, downloads, draft, onStarted, manager, announce } = props;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const mayUpload = caller?.scopes?.includes(WRITE) ?? true;
  const [access, setAccess] = useAccess();
  const latestAccess = useRef(access);
  latestAccess.current = access;
  const add = useCallback(
    (files: readonly ChosenFile[]) => manager.add(files, optionsOf(latestAccess.current)),
    [manager],
  );
  const onAdded = useCallback((count: number) => announce(uploadTexts.announce.added(count)), [announce]);
  const intake = useIntake(add, onAdded);
  const isOver = useFileDrop(mayUpload, intake.take);
  const [isDownloading, setDownloading] = useState(false);
  const hasUsers = caller?.mode === "required";
  const text = uploadTexts;
  return (
    <div className="home uploads">
      <h1 ref={title} tabIndex={-1} className="visually-hidden">
        {text.title}
      </h1>
      {mayUpload ? (
        <section className="card upload-form" aria-label={text.add}>
          <DropZone intake={intake} isOver={isOver} />
          {hasUsers && <VisibilityFields access={access} groups={caller.groups ?? []} onChange={setAccess} />}
        </section>
      ) : (
        <Notice tone="warn" title={text.notAllowed.title}>
          <p>{text.notAllowed.body}</p>
        </Notice>
      )}
      <List {...props} onDownload={() => setDownloading(true)} />
      {isDownloading && (
        <Sheet label={text.bundle} onClose={() => setDownloading(false)}>
          <NewDownload manager={downloads} draft={draft} onStarted={onStarted} />
        </Sheet>
      )}
    </div>
  );
}

function List({ client, manager, snapshot, totals, draft, onDownload }: ViewProps & { onDownload(): void }) {
  const { uploads, hasMore, problem, loadMore, refresh } = useUploadList(true);
  const others = useOthers(client, uploads, snapshot, refresh);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(
    () => rowsOf(snapshot.items, others).filter(({ jobId }) => jobId === null || !hidden.has(jobId)),
    [snapshot.items, others, hidden],
  );
  const hide = useCallback(
    (gone: readonly Row[]) => setHidden((all) => new Set([...all, ...gone.flatMap(({ jobId }) => jobId ?? [])])),
    [],
  );
  const [failure, setFailure] = useState<Problem | null>(null);
  const [viewed, setViewed] = useState<number | null>(null);
  const viewable = useMemo(() => rows.flatMap(({ fileId, name }) => (fileId === null ? [] : { fileId, name })), [rows]);
  const picker = useRef<HTMLInputElement>(null);
  /** For which file one is chosen; null for all that are needed. */
  const picked = useRef<Row | null>(null);
  const pick = useCallback((row: Row | null) => {
    picked.current = row;
    picker.current?.click();
  }, []);
  const actions = useMemo(
    () => ({
      pause: ({ key }: Row) => manager.pause(key),
      resume: ({ key }: Row) => manager.resume(key),
      retry: ({ key }: Row) => manager.retry(key),
      async cancel({ key, jobId, isManaged }: Row) {
        if (isManaged || jobId === null) return manager.cancel(key);
        const outcome = await client.cancel(jobId);
        setFailure(outcome.ok ? null : outcome.problem);
        refresh();
      },
      forget(row: Row) {
        manager.forget(row.key);
        hide([row]);
      },
      pick: (row: Row) => (row.hasHandle ? manager.resume(row.key) : pick(row)),
      view: ({ fileId }: Row) => setViewed(fileId),
    }),
    [manager, client, refresh, hide, pick],
  );
  const each = (isMeant: (state: UploadState) => boolean, act: (key: string) => void) => {
    for (const item of snapshot.items) if (isMeant(item.state) && !item.isElsewhere) act(item.key);
  };
  const clear = () => {
    hide(rows.filter(({ state }) => isDone(state)));
    each(isDone, (key) => manager.forget(key));
  };
  const needed = () => snapshot.items.filter((item) => item.state === "needs-file" && !item.isElsewhere);
  const pickAll = () => {
    const readable = needed().filter(({ hasHandle }) => hasHandle);
    manager.resume(readable.map(({ key }) => key));
    if (readable.length < needed().length) pick(null);
  };
  const onPicked = (files: Iterable<File>) => {
    const chosen = inputFiles(files);
    const [first] = chosen;
    if (picked.current === null) for (const { key, file } of matchFiles(needed(), chosen)) manager.pick(key, file);
    else if (first !== undefined) manager.pick(picked.current.key, first.file);
  };
  const text = uploadTexts;
  const isLoading = hasMore === undefined && problem === null;
  const focus = useFocusFallback<HTMLElement>(rows, nextFocus);
  return (
    <section className="jobs" aria-labelledby="uploads-title" {...focus}>
      <div className="jobs-head">
        <h2 id="uploads-title">{text.list}</h2>
      </div>
      {snapshot.items.length > 0 && (
        <UploadSummary
          totals={totals}
          bytesPerSecond={snapshot.bytesPerSecond}
          onPause={() => manager.pause()}
          onResume={() => manager.resume()}
          onCancel={() =>
            each(
              (state) => !UPLOAD_ENDED.has(state),
              (key) => manager.cancel(key),
            )
          }
          onRetry={() =>
            each(
              (state) => state === "failed",
              (key) => manager.retry(key),
            )
          }
          onClear={clear}
          onPick={pickAll}
        />
      )}
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        data-choose="again"
        onChange={({ currentTarget }) => {
          onPicked(currentTarget.files ?? []);
          currentTarget.value = "";
        }}
      />
      {failure && <ProblemNotice action="cancelUpload" problem={failure} onDismiss={() => setFailure(null)} />}
      {problem !== null && problem.status !== null && problem.status !== 401 && (
        <ProblemNotice action="uploads" problem={problem} onRetry={refresh} />
      )}
      {rows.length > 0 ? (
        <UploadTable
          rows={rows}
          selection={draft.selection}
          actions={actions}
          hasMore={hasMore === true}
          onEnd={loadMore}
        >
          <SelectionBar rows={rows} draft={draft} onDownload={onDownload} />
        </UploadTable>
      ) : isLoading ? (
        <p className="empty">{text.loading}</p>
      ) : (
        <div className="nothing">
          <Icon name="up" />
          <p>
            <strong>{text.none}</strong>
          </p>
          <p>{text.noneHint}</p>
        </div>
      )}
      {viewed !== null && (
        <FileViewer client={client} files={viewable} fileId={viewed} onClose={() => setViewed(null)} />
      )}
    </section>
  );
}

/** What "Clear finished" removes from the list. */
const isDone = (state: RowState) => state === "completed" || state === "cancelled";

/**
 * The rows of uploads that this page does not send. Follows those of other devices that run, and fetches those that failed
 * once, to know why.
 */
function useOthers(
  client: Client,
  listed: ReturnType<typeof useUploadList>["uploads"],
  { items }: UploadSnapshot,
  refresh: () => void,
): readonly Row[] {
  const { jobs } = useClientState(client);
  const own = useMemo(() => new Set(items.map(({ jobId }) => jobId)), [items]);
  const uploads = listed.filter(({ jobId }) => !own.has(jobId));
  const followed = uploads
    .filter(({ status }) => !ENDED.has(status) || status === "failed")
    .map(({ jobId }) => jobId)
    .join();
  const jobIds = useMemo(() => (followed === "" ? [] : followed.split(",")), [followed]);
  useFollowedJobs(client, jobIds);
  /** What has ended has a file id, which only the list and the full status know. */
  const isOutdated = uploads.some(({ jobId, status }) => {
    const job = jobs.get(jobId);
    return job?.detail && ENDED.has(job.status) && !ENDED.has(status);
  });
  useEffect(() => {
    if (isOutdated) refresh();
  }, [isOutdated, refresh]);
  return useSame(uploads.map((upload) => otherRow(upload, jobs.get(upload.jobId))));
}

/** What is ticked for the next download, and the way to it. */
function SelectionBar({ rows, draft, onDownload }: { rows: readonly Row[]; draft: Draft; onDownload(): void }) {
  const { selection } = draft;
  const uploaded = useMemo(() => rows.flatMap(selectedFile), [rows]);
  const text = uploadTexts;
  if (uploaded.length === 0 && selection.files.length === 0) return null;
  const isAll = uploaded.length > 0 && uploaded.every(({ fileId }) => selection.has(fileId));
  const toggle = () => (isAll ? selection.remove(uploaded.map(({ fileId }) => fileId)) : selection.add(uploaded));
  return (
    <div className="selection-bar">
      <label className="check">
        <input type="checkbox" checked={isAll} disabled={uploaded.length === 0} onChange={toggle} />
        <span>{text.selectAll}</span>
      </label>
      <p className="fine" role="status">
        {selection.files.length > 0 && text.selected(selection.files.length, bytes(totalOf(selection.files).bytes))}
      </p>
      {selection.files.length > 0 && (
        <Button kind="primary" icon="box" onClick={onDownload}>
          {text.bundle}
        </Button>
      )}
    </div>
  );
}
