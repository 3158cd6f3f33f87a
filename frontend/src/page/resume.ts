// What somebody was doing, kept in the tab while they sign in, which may take them to another page.
import { useEffect, useRef } from "react";
import type { Draft } from "../components/NewDownload.tsx";
import type { JobFilter } from "../hooks/index.ts";
import { announceSession, type Session } from "./session.ts";

/** sign-in.js returns to its path. */
const KEY = "haulage.resume";

interface Kept {
  /** Nobody else gets it back; null if nobody was signed in before. */
  user: string | null;
  path: string;
  filter: JobFilter;
  files: Draft["selection"]["files"];
  options: Draft["options"];
}

/** Keeps filter and draft when a session ends, and restores them on the page that the same user comes back to. */
export function useResume(session: Session, filter: JobFilter, setFilter: (filter: JobFilter) => void, draft: Draft) {
  const { caller, isSignedOut } = session;
  const user = caller?.user ?? null;
  /** Who was signed in last on this page. */
  const lastUser = useRef<string | null>(null);
  const latest = useRef({ filter, draft });
  latest.current = { filter, draft };
  useEffect(() => {
    const { filter, draft } = latest.current;
    const { selection, options } = draft;
    if (isSignedOut) {
      store({ user: lastUser.current, path: window.location.pathname, filter, files: selection.files, options });
    } else if (user !== null) {
      const isNewPage = lastUser.current === null;
      const kept = take();
      lastUser.current = user;
      if (kept === null || !isNewPage) return;
      announceSession(); // other tabs of this browser may wait for it
      if (kept.user !== user) return;
      setFilter(kept.filter);
      selection.add(kept.files);
      draft.setOptions(kept.options);
    }
  }, [user, isSignedOut, setFilter]);
}

function store(kept: Kept): void {
  try {
    window.sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // then one comes back to an empty form
  }
}

function take(): Kept | null {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(KEY) ?? "null");
    window.sessionStorage.removeItem(KEY);
    return kept;
  } catch {
    return null;
  }
}
