import { useEffect, useId, useState } from "react";
import type { Status } from "../client/index.ts";
import type { JobFilter } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Icon } from "./Icon.tsx";

/** Milliseconds without input before the list is searched. */
const DEBOUNCE = 250;

type Choice = keyof typeof texts.jobs.filters;
const STATUSES: Record<Choice, readonly Status[]> = {
  all: [],
  running: ["receiving", "queued", "processing", "retrying"],
  ready: ["completed"],
  failed: ["failed"],
  ended: ["cancelled", "expired"],
};

interface Props {
  filter: JobFilter;
  onChange(filter: JobFilter): void;
}

/** The search by name and the choice of a status above the list. */
export function JobFilters({ filter, onChange }: Props) {
  const id = useId();
  const [q, setQ] = useState(filter.q ?? "");
  const text = texts.jobs;
  const chosen = (Object.keys(STATUSES) as Choice[]).find((one) => STATUSES[one] === filter.status) ?? "all";
  useEffect(() => setQ(filter.q ?? ""), [filter.q]);
  useEffect(() => {
    if (q === (filter.q ?? "")) return;
    const timer = setTimeout(() => onChange({ ...filter, q }), DEBOUNCE);
    return () => clearTimeout(timer);
  }, [q, filter, onChange]);
  return (
    <div className="job-filters">
      <div className="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label={text.search}
          placeholder={text.searchHint}
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
      </div>
      <label htmlFor={id} className="visually-hidden">
        {text.filter}
      </label>
      <select
        id={id}
        value={chosen}
        onChange={(event) => onChange({ ...filter, status: STATUSES[event.target.value as Choice] })}
      >
        {(Object.keys(STATUSES) as Choice[]).map((one) => (
          <option key={one} value={one}>
            {text.filters[one]}
          </option>
        ))}
      </select>
    </div>
  );
}
