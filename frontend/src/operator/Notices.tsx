import { useState } from "react";
import type { Problem } from "../client/index.ts";
import { Button } from "../components/Button.tsx";
import { ProblemNotice } from "../components/ProblemNotice.tsx";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { useAction } from "../components/useAction.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { navigateOnClick } from "../page/routes.ts";
import { acknowledgeNotice, listNotices } from "./api.ts";
import { jobHref } from "./routes.ts";
import { Section } from "./Section.tsx";
import type { Notice } from "./schemas.ts";
import { usePolled } from "./usePolled.ts";

/** Milliseconds. Notices are gathered every 15 s. */
const INTERVAL = 15_000;

/** What operators should know of, until somebody acknowledges it. */
export function Notices({ canAct }: { canAct: boolean }) {
  const { value, problem, reload } = usePolled(listNotices, INTERVAL);
  const [busy, run] = useAction();
  const [failed, setFailed] = useState<Problem | null>(null);
  const text = operatorTexts.notices;
  const acknowledge = (id: number) =>
    run(async () => {
      const outcome = await acknowledgeNotice(id);
      setFailed(outcome.ok ? null : outcome.problem);
      await reload();
    });
  return (
    <Section title={text.title}>
      {problem && value === undefined && <ProblemNotice title={text.load} problem={problem} onRetry={reload} />}
      {failed && <ProblemNotice title={text.failed} problem={failed} onDismiss={() => setFailed(null)} />}
      {value?.notices.length === 0 && <p className="empty">{text.none}</p>}
      <ul className="items" aria-label={text.title}>
        {value?.notices.map((notice) => (
          <NoticeRow
            key={notice.id}
            notice={notice}
            busy={busy}
            onAcknowledge={canAct ? () => void acknowledge(notice.id) : null}
          />
        ))}
      </ul>
      {value?.nextCursor && <p className="fine">{text.more}</p>}
    </Section>
  );
}

interface RowProps {
  notice: Notice;
  busy: boolean;
  onAcknowledge: (() => void) | null;
}

function NoticeRow({ notice, busy, onAcknowledge }: RowProps) {
  const { id, message, count, lastAt, jobId } = notice;
  const text = operatorTexts.notices;
  return (
    <li data-notice={id}>
      <div>
        <p>{message}</p>
        <p className="fine">
          <RelativeTime at={lastAt} sentence={(when) => text.times(count, when)} />
          {jobId && (
            <>
              {" · "}
              <a href={jobHref(jobId)} onClick={navigateOnClick}>
                {text.job}
              </a>
            </>
          )}
        </p>
      </div>
      {onAcknowledge && (
        <Button busy={busy} aria-label={text.acknowledgeOne(message)} onClick={onAcknowledge}>
          {text.acknowledge}
        </Button>
      )}
    </li>
  );
}
