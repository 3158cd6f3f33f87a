import { texts } from "../texts.ts";

interface Props {
  count: number;
  /** There are more rows than are loaded. */
  isPartial?: boolean;
}

/** Says over the end of a list how many of its rows are reached by scrolling. Screen readers know it from the list. */
export function RowsBelow({ count, isPartial = false }: Props) {
  if (count === 0) return null;
  return (
    <p className="rows-below" aria-hidden="true">
      <span>{texts.rowsBelow(count, isPartial)}</span>
    </p>
  );
}
