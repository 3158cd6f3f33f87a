import type { Job, Phase } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import type { AutoSave } from "./autoSave.ts";
import { Check } from "./Check.tsx";
import { CopyButton } from "./CopyButton.tsx";
import { FailureNotice, Reason } from "./FailureNotice.tsx";
import { FileTable } from "./FileTable.tsx";
import { duration } from "./formats.ts";
import { type ActionsProps, JobActions } from "./JobActions.tsx";
import { JobMenu } from "./JobMenu.tsx";
import { JobProgress } from "./JobProgress.tsx";
import { isRunning } from "./jobs.ts";
import { Notice } from "./Notice.tsx";
import { PhaseTrack } from "./PhaseTrack.tsx";
import { ProblemNotice } from "./ProblemNotice.tsx";
import { ReadyCard } from "./ReadyCard.tsx";
import { useFocusFallback } from "./useFocusFallback.ts";
import { useSecondsUntil } from "./useNow.ts";
import { useSilence } from "./useSilence.ts";

interface Props extends ActionsProps {
  /** Offers to save the result as soon as it is ready. */
  autoSave?: AutoSave | undefined;
}

/** A whole download: progress, files, errors, and the result. */
export function Download(props: Props) {
  const { job, manager } = props;
  const focusProps = useFocusFallback<HTMLDivElement>(job.status);
  return (
    <div className="download" data-job={job.jobId} data-status={job.status} {...focusProps}>
      <div className="download-state">
        <Failures jobId={job.jobId} manager={manager} />
        {isRunning(job) ? <Running {...props} /> : <Ended {...props} />}
        <p className="fine job-id">
          {texts.job.id}: <code>{job.jobId}</code> <CopyButton text={job.jobId}>{texts.copy}</CopyButton>
        </p>
      </div>
      <FileTable job={job} />
    </div>
  );
}

/** Failed actions on this job. */
export function Failures({ jobId, manager }: { jobId: string | null; manager: DownloadManager }) {
  return manager.failures
    .filter((failure) => failure.jobId === jobId)
    .map(({ id, action, problem }) => (
      <ProblemNotice key={id} action={action} problem={problem} onDismiss={() => manager.dismiss(id)} />
    ));
}

function Running({ autoSave, ...props }: Props) {
  const { job, manager } = props;
  const silence = useSilence(manager.client, manager.connection);
  return (
    <section className="card" data-stale={silence !== null || undefined}>
      <PhaseTrack at={phaseOf(job)} />
      <JobProgress job={job} />
      {silence !== null && <p className="stale">{texts.connection.silent(duration(silence))}</p>}
      <Attempts job={job} />
      {job.detail?.degraded && silence === null && <p className="fine">{texts.job.degraded}</p>}
      {autoSave && (
        <Check
          name={texts.form.save}
          hint={texts.form.saveHint}
          on={autoSave.has(job.jobId)}
          onChange={(on) => autoSave.set(job.jobId, on)}
        />
      )}
      <div className="actions job-actions">
        <JobActions {...props} />
      </div>
    </section>
  );
}

function phaseOf(job: Job): Phase {
  return job.detail?.progress.phase ?? "queued";
}

/** Why the last attempt failed, and when the next one is due. */
function Attempts({ job }: { job: Job }) {
  const { attempt = 0, maxAttempts = 0, nextAttemptAt = null } = job.detail ?? {};
  const seconds = useSecondsUntil(job.status === "retrying" ? nextAttemptAt : null);
  const isWaiting = job.status === "retrying";
  if (!isWaiting)
    return attempt > 1 && maxAttempts > 0 && <p className="fine">{texts.job.attempt(attempt, maxAttempts)}</p>;
  const next = seconds === null || seconds === 0 ? texts.job.nextSoon : texts.job.nextAttempt(duration(seconds));
  return (
    <Notice tone="warn" title={next}>
      <Reason job={job} />
    </Notice>
  );
}

function Ended(props: ActionsProps) {
  const { job } = props;
  if (job.status === "completed") return <ReadyCard {...props} />;
  if (job.status === "failed") return <FailureNotice {...props} />;
  const text = job.status === "cancelled" ? texts.job.cancelled : texts.job.expired;
  return (
    <Notice tone="info" title={texts.status[job.status]}>
      <p>{text}</p>
      <div className="actions job-actions">
        <JobActions {...props} />
        <JobMenu {...props} />
      </div>
    </Notice>
  );
}
