// Routes below the root path: `/` is the form and the list, `/jobs/<id>` one job, `/account` the user,
// `/uploads` files that are sent to the server.
import { type MouseEvent, useSyncExternalStore } from "react";

export type Route = { name: "home" | "account" | "uploads" | "notFound" } | { name: "job"; jobId: string };

/** Where the gateway is on its site: "/", or for example "/haulage/". The gateway writes it into the page. */
export const ROOT = globalThis.document?.documentElement.dataset.root ?? "/";
export const ICON = `${ROOT}static/icon.svg`;
export const ACCOUNT = `${ROOT}account`;
export const UPLOADS = `${ROOT}uploads`;
/** A page of its own. */
export const OPERATIONS = `${ROOT}operator`;

/** The route of a path of the site; a gateway that is reached directly serves the page without the root path, too. */
export function routeOf(path: string, root = ROOT): Route {
  const rest = path.slice(`${path}/`.startsWith(root) ? root.length : 1);
  const jobId = /^jobs\/([^/]+)\/?$/.exec(rest)?.[1];
  if (jobId !== undefined) return { name: "job", jobId: decoded(jobId) };
  const view = /^(account|uploads)\/?$/.exec(rest)?.[1] as "account" | "uploads" | undefined;
  return { name: rest === "" ? "home" : (view ?? "notFound") };
}

export function hrefOf(jobId: string): string {
  return `${ROOT}jobs/${encodeURIComponent(jobId)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  return () => window.removeEventListener("popstate", listener);
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

/** Navigates without a page load. `replace` replaces the current history entry. */
export function navigate(href: string, { replace = false } = {}): void {
  window.history[replace ? "replaceState" : "pushState"](null, "", href);
  window.dispatchEvent(new PopStateEvent("popstate"));
  window.scrollTo(0, 0);
}

/** Click handler of links. Clicks that open another tab are left to the browser. */
export function navigateOnClick(event: MouseEvent<HTMLElement>): void {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const href = event.currentTarget.getAttribute("href");
  if (href === null) return;
  event.preventDefault();
  navigate(href);
}
