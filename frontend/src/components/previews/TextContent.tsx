import { useEffect, useState } from "react";
import { previewTexts } from "../../previewTexts.ts";
import { bytes } from "../formats.ts";

/** Bytes of a text that are loaded and shown. */
const MOST = 256_000;

interface Loaded {
  text: string;
  isCut: boolean;
}

/** The beginning of a text file. */
export function TextContent({ url }: { url: string }) {
  const [loaded, setLoaded] = useState<Loaded | "failed" | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    setLoaded(null);
    beginningOf(url, abort.signal).then(setLoaded, () => {
      if (!abort.signal.aborted) setLoaded("failed");
    });
    return () => abort.abort();
  }, [url]);
  const text = previewTexts;
  if (loaded === null) return <p className="viewer-empty">{text.loading}</p>;
  if (loaded === "failed") {
    // Most likely the store does not let pages of other origins read from it. It can be opened nevertheless.
    return (
      <div className="viewer-empty">
        <p>{text.textFailed}</p>
        <a href={url} target="_blank" rel="noreferrer">
          {text.openText}
        </a>
      </div>
    );
  }
  if (loaded.text.trim() === "") return <p className="viewer-empty">{text.noText}</p>;
  return (
    <>
      {loaded.isCut && <p className="fine">{text.cut(bytes(MOST))}</p>}
      <pre className="viewer-text">{loaded.text}</pre>
    </>
  );
}

/** Reads until there is enough, and no more of a long file. Rejects if it can't be read. */
async function beginningOf(url: string, signal: AbortSignal): Promise<Loaded> {
  const response = await fetch(url, { signal });
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), isCut: false };
    size += value.length;
    text += decoder.decode(value, { stream: true });
    if (size < MOST) continue;
    void reader.cancel();
    return { text, isCut: true };
  }
}
