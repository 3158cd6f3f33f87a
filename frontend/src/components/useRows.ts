// Virtualized lists: the document holds only visible rows, and the focused one.
import { defaultRangeExtractor, type Range, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { type FocusEvent, type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** Rows of about `height` pixels inside `scroller`. `below`: how many of them end below what is visible. */
export function useRows(count: number, height: number, keyOf: (index: number) => string | number) {
  const scroller = useRef<HTMLDivElement>(null);
  const focused = useRef<number | null>(null);
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: keyOf,
    overscan: 8,
    rangeExtractor: useCallback((range: Range) => withFocused(range, focused.current), []),
  });
  useRemeasuring(scroller, virtualizer);
  const onFocus = (event: FocusEvent) => {
    const row = (event.target as Element).closest<HTMLElement>("[data-index]");
    focused.current = row === null ? null : Number(row.dataset.index);
  };
  const onBlur = () => {
    focused.current = null;
  };
  const rows = virtualizer.getVirtualItems();
  const [below, setBelow] = useState(0);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const edge = virtualizer.getTotalSize() - (box.scrollHeight - box.scrollTop - box.clientHeight);
    const last = rows.findLast(({ end }) => end <= edge + 1);
    setBelow(Math.max(0, count - 1 - (last?.index ?? -1)));
  });
  return { scroller, virtualizer, rows, below, focus: { onFocus, onBlur } };
}

/** At another width rows have other heights: those that are not in the document lose theirs. */
function useRemeasuring(
  scroller: RefObject<HTMLDivElement | null>,
  virtualizer: Virtualizer<HTMLDivElement, Element>,
): void {
  useEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    let width = box.clientWidth;
    const observer = new ResizeObserver(() => {
      if (box.clientWidth === width) return;
      width = box.clientWidth;
      virtualizer.measure();
      virtualizer.getTotalSize(); // applies the estimates, to which rows are then compared
      for (const row of virtualizer.elementsCache.values()) virtualizer.measureElement(row);
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [scroller, virtualizer]);
}

function withFocused(range: Range, focused: number | null): number[] {
  const rows = defaultRangeExtractor(range);
  if (focused === null || focused >= range.count || rows.includes(focused)) return rows;
  return [...rows, focused].sort((one, other) => one - other);
}
