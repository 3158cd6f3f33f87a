import { useCallback, useEffect, useRef, useState } from "react";
import type { CatalogueFile, Problem } from "../client/index.ts";
import type { DownloadManager } from "../hooks/index.ts";

/** Milliseconds without a key before the server is asked. */
const PAUSE = 200;
/** As many as one page may have. */
const PAGE = 200;

interface Found {
  files: readonly CatalogueFile[];
  cursor: string | null;
  problem: Problem | null;
}
const NOTHING: Found = { files: [], cursor: null, problem: null };

export interface Catalogue extends Found {
  loading: boolean;
  more(): void;
  again(): void;
}

/** Files whose name has `q` in it, page by page. What was found stays until there is something new. */
export function useCatalogue(ask: DownloadManager["files"], q: string): Catalogue {
  const [found, setFound] = useState(NOTHING);
  const [loading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const asking = useRef(new AbortController());
  const first = useRef(true);

  const load = useCallback(
    async (from?: string) => {
      const { signal } = asking.current;
      setLoading(true);
      const outcome = await ask({ q: q.trim() || undefined, limit: PAGE, cursor: from, signal });
      if (signal.aborted) return;
      setLoading(false);
      if (!outcome.ok) return setFound((was) => ({ ...was, problem: outcome.problem }));
      const { files, nextCursor } = outcome.value;
      setFound((was) => ({
        files: from === undefined ? files : [...was.files, ...files],
        cursor: nextCursor,
        problem: null,
      }));
    },
    [ask, q],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round asks again
  useEffect(() => {
    asking.current = new AbortController();
    const { current } = asking;
    const timer = setTimeout(() => void load(), first.current ? 0 : PAUSE);
    first.current = false;
    return () => {
      clearTimeout(timer);
      current.abort();
    };
  }, [load, round]);

  const more = () => void (!loading && found.cursor !== null && load(found.cursor));
  const again = useCallback(() => setRound((was) => was + 1), []);
  return { ...found, loading, more, again };
}
