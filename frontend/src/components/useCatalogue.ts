import { useCallback, useEffect, useRef, useState } from "react";
import type { CatalogueFile, Problem } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";

/** Milliseconds without input before a request is sent. */
const DEBOUNCE = 200;
/** The most files that one page may have. */
const PAGE_SIZE = 200;

interface SearchResult {
  files: readonly CatalogueFile[];
  cursor: string | null;
  problem: Problem | null;
}
const EMPTY: SearchResult = { files: [], cursor: null, problem: null };

export interface Catalogue extends SearchResult {
  loading: boolean;
  loadMore(): void;
  retry(): void;
}

/** Files whose name contains `q`, or whose text has its words, page by page. Earlier results stay until new ones arrive. */
export function useCatalogue(search: DownloadManager["files"], q: string, inText: boolean): Catalogue {
  const [result, setResult] = useState(EMPTY);
  const [loading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const abort = useRef(new AbortController());
  const first = useRef(true);

  const load = useCallback(
    async (from?: string) => {
      const { signal } = abort.current;
      setLoading(true);
      const term = { [inText ? "text" : "q"]: q.trim() || undefined };
      const outcome = await search({ ...term, limit: PAGE_SIZE, cursor: from, signal });
      if (signal.aborted) return;
      setLoading(false);
      if (!outcome.ok) return setResult((was) => ({ ...was, problem: outcome.problem }));
      const { files, nextCursor } = outcome.value;
      setResult((was) => ({
        files: from === undefined ? files : [...was.files, ...files],
        cursor: nextCursor,
        problem: null,
      }));
    },
    [search, q, inText],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round sends the request again
  useEffect(() => {
    abort.current = new AbortController();
    const { current } = abort;
    const timer = setTimeout(() => void load(), first.current ? 0 : DEBOUNCE);
    first.current = false;
    return () => {
      clearTimeout(timer);
      current.abort();
    };
  }, [load, round]);

  const loadMore = () => void (!loading && result.cursor !== null && load(result.cursor));
  const retry = useCallback(() => setRound((was) => was + 1), []);
  return { ...result, loading, loadMore, retry };
}
