// Virtualized lists: the document holds only visible rows, and the focused one.
import { defaultRangeExtractor, type Range, useVirtualizer } from "@tanstack/react-virtual";
import { type FocusEvent, useCallback, useRef } from "react";

/** Rows of about `height` pixels inside `scroller`. */
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
  const onFocus = (event: FocusEvent) => {
    const row = (event.target as Element).closest<HTMLElement>("[data-index]");
    focused.current = row === null ? null : Number(row.dataset.index);
  };
  const onBlur = () => {
    focused.current = null;
  };
  return { scroller, virtualizer, focus: { onFocus, onBlur } };
}

function withFocused(range: Range, focused: number | null): number[] {
  const rows = defaultRangeExtractor(range);
  if (focused === null || focused >= range.count || rows.includes(focused)) return rows;
  return [...rows, focused].sort((one, other) => one - other);
}
