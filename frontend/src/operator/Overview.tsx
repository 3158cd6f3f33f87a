import { useEffect, useRef } from "react";
import { operatorTexts } from "../operatorTexts.ts";
import { BulkActions, useBulkActions } from "./BulkActions.tsx";
import { Dependencies } from "./Dependencies.tsx";
import { LastHour } from "./LastHour.tsx";
import { Notices } from "./Notices.tsx";
import { Now } from "./Now.tsx";
import { Queues } from "./Queues.tsx";
import type { Overview as Figures } from "./schemas.ts";
import { Throttled } from "./Throttled.tsx";
import { Times } from "./Times.tsx";
import { Workers } from "./Workers.tsx";

interface Props {
  /** Null until it has arrived. */
  overview: Figures | null;
  canAct: boolean;
  /** Notices are for those who act. */
}

/** How the installation is doing, at a glance. */
export function Overview({ overview, canAct }: Props) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus({ preventScroll: true }), []);
  const actions = useBulkActions();
  return (
    <div className="overview">
      <h1 ref={title} tabIndex={-1} className="visually-hidden">
        {operatorTexts.title}
      </h1>
      {overview === null && <p className="empty">{operatorTexts.loading}</p>}
      {overview && (
        <>
          <Now overview={overview} />
          <LastHour minutes={overview.rates.minutes} />
          <Queues queues={overview.queues} canAct={canAct} />
          <div className="overview-columns">
            <Workers canAct={canAct} />
            <Dependencies dependencies={overview.dependencies} />
          </div>
          <Times durations={overview.durations} />
          <div className="overview-columns">
            <Notices canAct={canAct} />
            <Throttled throttled={overview.throttled} />
          </div>
          <BulkActions actions={actions} canAct={canAct} limit={5} />
        </>
      )}
    </div>
  );
}
