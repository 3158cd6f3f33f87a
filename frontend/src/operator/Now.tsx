import type { ReactNode } from "react";
import { bytes, count } from "../components/formats.ts";
import { RelativeTime } from "../components/RelativeTime.tsx";
import { operatorTexts } from "../operatorTexts.ts";
import { total } from "./chart.ts";
import { seconds, share } from "./formats.ts";
import { Section } from "./Section.tsx";
import type { Overview } from "./schemas.ts";

/** Complete minutes of which the mean is shown. */
const RECENT = 5;

/** The figures that one looks at first. */
export function Now({ overview }: { overview: Overview }) {
  const { jobs, queues, rates, gateways, workers, storage } = overview;
  const text = operatorTexts.now;
  const oldest = Math.max(-1, ...queues.map(({ oldestSeconds }) => oldestSeconds ?? -1));
  const slots = queues.reduce((sum, queue) => sum + queue.slots, 0);
  const recent = rates.minutes.slice(-1 - RECENT, -1);
  const perMinute = recent.length > 0 ? total(recent, (minute) => minute.completed) / recent.length : null;
  return (
    <Section title={text.title} className="now">
      <dl className="tiles">
        <Tile name={text.waiting} hint={oldest >= 0 && text.oldest(seconds(oldest))}>
          {count(jobs.queued)}
        </Tile>
        <Tile name={text.running} hint={text.slots(slots)}>
          {count(jobs.processing)}
        </Tile>
        <Tile name={text.retrying}>{count(jobs.retrying)}</Tile>
        <Tile name={text.success} hint={text.successDay(share(rates.successRate.day))}>
          {share(rates.successRate.hour)}
        </Tile>
        <Tile name={text.perMinute} hint={text.perMinuteHint}>
          {perMinute === null ? "–" : rounded(perMinute)}
        </Tile>
        <Tile name={text.gateways} hint={text.fleetHint} isBad={gateways.running < gateways.known}>
          {text.fleet(gateways.running, gateways.known)}
        </Tile>
        <Tile name={text.workers} hint={text.fleetHint} isBad={workers.running < workers.known || workers.known === 0}>
          {text.fleet(workers.running, workers.known)}
        </Tile>
        <Tile
          name={text.storage}
          hint={
            <>
              {text.storageHint(bytes(storage.fileBytes), bytes(storage.bundleBytes))},{" "}
              <RelativeTime at={storage.at} sentence={text.storageAt} />
            </>
          }
        >
          {bytes(storage.fileBytes + storage.bundleBytes)}
        </Tile>
      </dl>
    </Section>
  );
}

interface TileProps {
  name: string;
  hint?: ReactNode;
  isBad?: boolean;
  children: ReactNode;
}

function Tile({ name, hint, isBad, children }: TileProps) {
  return (
    <div data-bad={isBad || undefined}>
      <dt>{name}</dt>
      <dd>
        {children}
        {hint && <small>{hint}</small>}
      </dd>
    </div>
  );
}

function rounded(value: number): string {
  return value >= 10 ? count(Math.round(value)) : String(Math.round(10 * value) / 10);
}
