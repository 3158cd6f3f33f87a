import type { ReactNode } from "react";
import { RowsBelow } from "./RowsBelow.tsx";
import { useRows } from "./useRows.ts";

interface Props<T> {
  label: string;
  items: readonly T[];
  keyOf(item: T): string | number;
  /** Height of every row in pixels. */
  height: number;
  render(item: T, index: number): ReactNode;
  /** Called when the end of the list comes near. */
  onEnd?: (() => void) | undefined;
  /** There are more items than these. */
  isPartial?: boolean;
}

/** A virtualized list of any length that scrolls in its own box. */
export function RowList<T>({ label, items, keyOf, height, render, onEnd, isPartial = false }: Props<T>) {
  const { scroller, virtualizer, rows, below, focus } = useRows(items.length, height, (index) =>
    keyOf(items[index] as T),
  );
  const onScroll = () => {
    const box = scroller.current;
    if (box !== null && box.scrollTop + box.clientHeight > box.scrollHeight - 10 * height) onEnd?.();
  };
  return (
    <div className="scrolled">
      <div className="rows" ref={scroller} role="group" aria-label={label} tabIndex={0} onScroll={onScroll}>
        <ul style={{ height: virtualizer.getTotalSize() }} {...focus}>
          {rows.map((row) => (
            <li
              key={row.key}
              data-index={row.index}
              aria-setsize={items.length}
              aria-posinset={row.index + 1}
              style={{ height, transform: `translateY(${row.start}px)` }}
            >
              {render(items[row.index] as T, row.index)}
            </li>
          ))}
        </ul>
      </div>
      <RowsBelow count={below} isPartial={isPartial} />
    </div>
  );
}
