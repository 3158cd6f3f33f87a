import type { ReactNode } from "react";
import { useRows } from "./useRows.ts";

interface Props<T> {
  label: string;
  items: readonly T[];
  keyOf(item: T): string | number;
  /** Pixels; every row has it. */
  height: number;
  render(item: T): ReactNode;
  /** The end comes into sight. */
  onEnd?: (() => void) | undefined;
}

/** A list of any length that scrolls in its own box. */
export function RowList<T>({ label, items, keyOf, height, render, onEnd }: Props<T>) {
  const { scroller, virtualizer, focus } = useRows(items.length, height, (index) => keyOf(items[index] as T));
  const rows = virtualizer.getVirtualItems();
  const watch = () => {
    const box = scroller.current;
    if (box !== null && box.scrollTop + box.clientHeight > box.scrollHeight - 10 * height) onEnd?.();
  };
  return (
    <div className="rows" ref={scroller} role="group" aria-label={label} tabIndex={0} onScroll={watch}>
      <ul style={{ height: virtualizer.getTotalSize() }} {...focus}>
        {rows.map((row) => (
          <li
            key={row.key}
            data-index={row.index}
            aria-setsize={items.length}
            aria-posinset={row.index + 1}
            style={{ height, transform: `translateY(${row.start}px)` }}
          >
            {render(items[row.index] as T)}
          </li>
        ))}
      </ul>
    </div>
  );
}
