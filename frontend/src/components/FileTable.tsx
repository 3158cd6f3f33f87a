import { useId, useMemo, useState } from "react";
import { ENDED, type FileView, type Job } from "../client/index.ts";
import { texts } from "../texts.ts";
import { FileRow } from "./FileRow.tsx";
import { count } from "./formats.ts";
import { RowsBelow } from "./RowsBelow.tsx";
import { useRows } from "./useRows.ts";

const HEIGHT = 44;
const FILTERS = {
  all: () => true,
  running: (file: FileView) => file.status === "active" || file.status === "pending",
  done: (file: FileView) => file.status === "done",
  problems: (file: FileView) => file.status === "failed" || file.status === "omitted",
};
type Filter = keyof typeof FILTERS;
const NAMES: Record<Filter, string> = {
  all: texts.table.all,
  running: texts.table.running,
  done: texts.fileStatus.done,
  problems: texts.table.problems,
};

/** Every file of a job, in the order of the request. */
export function FileTable({ job }: { job: Job }) {
  const files = job.detail?.files;
  const group = useId();
  const [filter, setFilter] = useState<Filter>("all");
  const matching = useMemo(() => filterAll(files ?? []), [files]);
  if (files === undefined || files.length === 0) return <p className="empty">{texts.table.waiting}</p>;
  const shown = matching[filter];
  const ended = ENDED.has(job.status);
  return (
    <section className="file-table">
      <div className="table-head">
        <h2>{texts.table.title}</h2>
        <fieldset className="filters">
          <legend className="visually-hidden">{texts.table.filter}</legend>
          {(Object.keys(FILTERS) as Filter[]).map((name) => (
            <label key={name} data-empty={matching[name].length === 0 || undefined}>
              <input type="radio" name={group} checked={name === filter} onChange={() => setFilter(name)} />
              {name === "running" && ended ? texts.table.ended : NAMES[name]}{" "}
              <span className="count">{count(matching[name].length)}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {shown.length === 0 ? <p className="empty">{texts.table.none}</p> : <Rows files={shown} ended={ended} />}
    </section>
  );
}

function Rows({ files, ended }: { files: readonly FileView[]; ended: boolean }) {
  const { scroller, virtualizer, rows, below, focus } = useRows(
    files.length,
    HEIGHT,
    (index) => (files[index] as FileView).index,
  );
  const text = texts.table;
  return (
    <div className="scrolled">
      <div className="table-box" ref={scroller} role="region" aria-label={text.label} tabIndex={0}>
        <div role="table" aria-label={text.label} aria-rowcount={files.length + 1}>
          <div role="rowgroup" className="table-titles">
            <div role="row" aria-rowindex={1} className="file-row">
              <span role="columnheader">{text.name}</span>
              <span role="columnheader" className="file-size">
                {text.size}
              </span>
              <span role="columnheader">{text.status}</span>
            </div>
          </div>
          <div role="rowgroup" className="table-rows" style={{ height: virtualizer.getTotalSize() }} {...focus}>
            {rows.map(({ index, key, start }) => (
              <FileRow
                key={key}
                file={files[index] as FileView}
                ended={ended}
                index={index}
                top={start}
                measure={virtualizer.measureElement}
              />
            ))}
          </div>
        </div>
      </div>
      <RowsBelow count={below} />
    </div>
  );
}

/** The files that match each filter. */
function filterAll(files: readonly FileView[]): Record<Filter, readonly FileView[]> {
  const known = files.filter((file) => file !== undefined);
  const of = (filter: Filter) => known.filter(FILTERS[filter]);
  return { all: known, running: of("running"), done: of("done"), problems: of("problems") };
}
