// Addresses of the operators' page: `/operator`, `/operator/jobs?…` and `/operator/jobs/<id>`.
import { useSyncExternalStore } from "react";
import { OPERATIONS, ROOT } from "../page/routes.ts";
import { type JobFilter, searchOf } from "./filters.ts";

export type Route = { name: "overview" | "jobs" | "notFound" } | { name: "job"; jobId: string };

/** The route of a path of the site, also below no root path. */
export function routeOf(path: string, root = ROOT): Route {
  const rest = path.slice(`${path}/`.startsWith(root) ? root.length : 1);
  const parts = /^operator(?:\/(jobs)(?:\/([^/]+))?)?\/?$/.exec(rest);
  if (parts === null) return { name: "notFound" };
  const [, view, jobId] = parts;
  if (jobId !== undefined) return { name: "job", jobId };
  return { name: view === undefined ? "overview" : "jobs" };
}

export function jobsHref(filter?: JobFilter): string {
  return `${OPERATIONS}/jobs${filter ? searchOf(filter) : ""}`;
}

export function jobHref(jobId: string): string {
  return `${OPERATIONS}/jobs/${jobId}`;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  return () => window.removeEventListener("popstate", listener);
}

/** The query of the address. */
export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => window.location.search);
}
