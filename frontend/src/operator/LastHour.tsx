import { count } from "../components/formats.ts";
import { operatorTexts } from "../operatorTexts.ts";
import { HEIGHT, niceMax, stacked, steps, total } from "./chart.ts";
import { minuteOf } from "./formats.ts";
import { Section } from "./Section.tsx";
import type { Minute } from "./schemas.ts";
import { Table } from "./Table.tsx";

interface Series {
  name: string;
  tone: "good" | "bad" | "going";
  of(minute: Minute): number;
}

const text = operatorTexts.charts;
const COMPLETED: Series = { name: text.completed, tone: "good", of: (minute) => minute.completed };
const FAILED: Series = { name: text.failed, tone: "bad", of: (minute) => minute.failed };
const UPLOADS: Series = { name: text.uploaded, tone: "going", of: (minute) => minute.uploads };
const CREATED = { name: text.created, of: (minute: Minute) => minute.created };

/** Jobs and uploads of each of the last sixty minutes. */
export function LastHour({ minutes }: { minutes: readonly Minute[] }) {
  return (
    <Section title={text.title} className="last-hour">
      <div className="charts">
        <Chart title={text.jobs} minutes={minutes} bars={[COMPLETED, FAILED]} line={CREATED} />
        <Chart title={text.uploads} minutes={minutes} bars={[UPLOADS]} />
      </div>
      <details>
        <summary>{text.table}</summary>
        <div className="minutes" role="group" aria-label={text.table} tabIndex={0}>
          <Table
            label={text.title}
            items={[...minutes].reverse()}
            keyOf={({ minute }) => minute}
            columns={[
              { name: text.minute, isTitle: true, of: ({ minute }) => minuteOf(minute) },
              ...[CREATED, COMPLETED, FAILED, UPLOADS].map(({ name, of }) => ({
                name,
                isNumber: true,
                of: (minute: Minute) => count(of(minute)),
              })),
            ]}
          />
        </div>
      </details>
    </Section>
  );
}

interface ChartProps {
  title: string;
  minutes: readonly Minute[];
  bars: readonly Series[];
  line?: { name: string; of(minute: Minute): number };
}

/** Bars that stand on each other, and a line. The last minute is paler, since it is not over. */
function Chart({ title, minutes, bars, line }: ChartProps) {
  const heights = minutes.map((minute) => bars.reduce((sum, { of }) => sum + of(minute), 0));
  const most = Math.max(0, ...heights, ...(line ? minutes.map(line.of) : []));
  const max = niceMax(most);
  const legend = [...(line ? [{ ...line, tone: "line" }] : []), ...bars];
  const named = legend.map(({ name, of }) => text.series(name, total(minutes, of)));
  const highest = most === 0 ? undefined : minutes[heights.indexOf(Math.max(...heights))];
  const summary = text.summary(
    title,
    named.join(", "),
    Math.max(0, ...heights),
    highest === undefined ? null : minuteOf(highest.minute),
  );
  return (
    <figure className="chart">
      <figcaption>
        <strong>{title}</strong>
        <span className="legend">
          {legend.map(({ name, tone }, index) => (
            <span key={name} data-tone={tone}>
              {named[index]}
            </span>
          ))}
        </span>
      </figcaption>
      <div className="plot-axis" aria-hidden="true">
        <span>{text.max(max)}</span>
      </div>
      <div className="plot">
        <svg viewBox={`0 0 ${minutes.length} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
          {stacked(
            minutes,
            bars.map(({ of }) => of),
            max,
          ).map((columns, index) => (
            <g key={bars[index]?.name} data-tone={bars[index]?.tone}>
              {columns.map(
                ({ x, y, height }) =>
                  height > 0 && (
                    <rect
                      key={x}
                      x={x + 0.1}
                      y={y}
                      width={0.8}
                      height={height}
                      data-running={x === minutes.length - 1 || undefined}
                    />
                  ),
              )}
            </g>
          ))}
          {line && most > 0 && <polyline points={steps(minutes, line.of, max)} />}
          {minutes.map((minute, x) => (
            <rect key={minute.minute} className="column" x={x} y={0} width={1} height={HEIGHT}>
              <title>
                {`${minuteOf(minute.minute)}: ${legend.map(({ name, of }) => text.series(name, of(minute))).join(", ")}`}
              </title>
            </rect>
          ))}
        </svg>
      </div>
      <div className="plot-axis" aria-hidden="true">
        <span>{text.from}</span>
        <span>{text.to}</span>
      </div>
    </figure>
  );
}
