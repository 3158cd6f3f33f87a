import { type ReactNode, useLayoutEffect, useState } from "react";
import { RowsBelow } from "./RowsBelow.tsx";
import { useRows } from "./useRows.ts";

/** Pixels between cards, and around them. */
const GAP = 10;

interface Props<T> {
  label: string;
  items: readonly T[];
  keyOf(item: T): string | number;
  /** The least width of a card in pixels. */
  cardWidth: number;
  /** Pixels below the image, which is three quarters as high as it is wide. */
  textHeight: number;
  render(item: T, index: number): ReactNode;
  onEnd?: (() => void) | undefined;
  /** There are more items than these. */
  isPartial?: boolean;
}

/** A virtualized grid of cards of one size. It scrolls in its own box, and has as many columns as fit. */
export function CardGrid<T>(props: Props<T>) {
  const { label, items, keyOf, cardWidth, textHeight, render, onEnd, isPartial = false } = props;
  const [inner, setInner] = useState(0);
  const columns = Math.max(2, Math.floor((inner + GAP) / (cardWidth + GAP)));
  const width = Math.max(0, (inner - GAP * (columns - 1)) / columns);
  const height = Math.round(0.75 * width) + textHeight;
  const lines = Math.ceil(items.length / columns);
  const { scroller, virtualizer, rows, below, focus } = useRows(lines, height + GAP, Number);
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const observer = new ResizeObserver(() => setInner(box.clientWidth - 2 * GAP));
    observer.observe(box);
    setInner(box.clientWidth - 2 * GAP);
    return () => observer.disconnect();
  }, [scroller]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height are placed anew
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height]);
  const onScroll = () => {
    const box = scroller.current;
    if (box !== null && box.scrollTop + box.clientHeight > box.scrollHeight - 3 * height) onEnd?.();
  };
  const cards = rows.flatMap(({ index, start }) =>
    items.slice(index * columns, (index + 1) * columns).map((item, column) => ({ item, index, column, start })),
  );
  return (
    <div className="scrolled">
      <div className="rows cards" ref={scroller} role="group" aria-label={label} tabIndex={0} onScroll={onScroll}>
        <ul style={{ height: virtualizer.getTotalSize() + GAP }} {...focus}>
          {cards.map(({ item, index, column, start }) => (
            <li
              key={keyOf(item)}
              data-index={index}
              aria-setsize={items.length}
              aria-posinset={index * columns + column + 1}
              style={{ width, height, transform: `translate(${GAP + column * (width + GAP)}px, ${GAP + start}px)` }}
            >
              {render(item, index * columns + column)}
            </li>
          ))}
        </ul>
      </div>
      <RowsBelow count={Math.max(0, items.length - (lines - below) * columns)} isPartial={isPartial} />
    </div>
  );
}
