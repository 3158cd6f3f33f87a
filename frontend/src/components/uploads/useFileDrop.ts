import { useEffect, useRef, useState } from "react";
import { droppedSources, type Source } from "./chosen.ts";

/**
 * Takes files that are dropped anywhere in the window while `enabled`; else they do nothing, as the browser would open them
 * instead of the page. Returns whether some are dragged over it.
 */
export function useFileDrop(enabled: boolean, onDrop: (sources: Source[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  const drop = useRef(onDrop);
  drop.current = onDrop;
  useEffect(() => {
    const ended = new AbortController();
    /** The element over which the files are; it changes on the way. */
    let target: EventTarget | null = null;
    const listen = (type: "dragenter" | "dragover" | "dragleave" | "drop", listener: (event: DragEvent) => void) =>
      window.addEventListener(
        type,
        (event) => {
          if (event.dataTransfer?.types.includes("Files")) listener(event);
        },
        { signal: ended.signal },
      );
    listen("dragenter", (event) => {
      target = event.target;
      setOver(enabled);
    });
    listen("dragover", (event) => {
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = enabled ? "copy" : "none";
    });
    listen("dragleave", (event) => {
      if (event.target === target) setOver(false);
    });
    listen("drop", (event) => {
      event.preventDefault();
      setOver(false);
      if (enabled) drop.current(droppedSources(event.dataTransfer?.items ?? []));
    });
    return () => {
      ended.abort();
      setOver(false);
    };
  }, [enabled]);
  return isOver;
}
