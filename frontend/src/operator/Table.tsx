import type { ReactNode } from "react";

export interface Column<T> {
  name: string;
  /** Numbers stand below each other. */
  isNumber?: boolean;
  /** Has the width of the table where columns are stacked, and no name in front. */
  isTitle?: boolean;
  of(item: T): ReactNode;
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  items: readonly T[];
  keyOf(item: T): string | number;
  /** Attributes of a row. */
  attributes?(item: T): Record<`data-${string}`, string | undefined>;
  /** What stands below a row, over its whole width; null for nothing. */
  below?(item: T): ReactNode;
}

/**
 * A table, whose rows become blocks on narrow screens. The roles say what the elements are, since browsers drop that of a
 * table which is not displayed as one.
 */
export function Table<T>({ label, columns, items, keyOf, attributes, below }: Props<T>) {
  return (
    <table className="operator-table" aria-label={label} role="table">
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ name, isNumber }) => (
            <th key={name} scope="col" role="columnheader" data-number={isNumber || undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      {items.map((item) => {
        const more = below?.(item);
        return (
          <tbody key={keyOf(item)} role="rowgroup" {...attributes?.(item)}>
            <tr role="row">
              {columns.map(({ name, isNumber, isTitle, of }) => (
                <td
                  key={name}
                  role="cell"
                  data-label={name}
                  data-number={isNumber || undefined}
                  data-title={isTitle || undefined}
                >
                  {of(item)}
                </td>
              ))}
            </tr>
            {more && (
              <tr role="row">
                <td role="cell" colSpan={columns.length} data-title>
                  {more}
                </td>
              </tr>
            )}
          </tbody>
        );
      })}
    </table>
  );
}
