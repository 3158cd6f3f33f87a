import { texts } from "../texts.ts";
import { Icon } from "./Icon.tsx";
import { LAYOUTS, type Layout } from "./useLayout.ts";

interface Props {
  layout: Layout;
  onChange(layout: Layout): void;
}

/** Switches between a list and a grid. */
export function LayoutToggle({ layout, onChange }: Props) {
  const text = texts.layout;
  return (
    <div className="layout-toggle" role="group" aria-label={text.label}>
      {LAYOUTS.map((one) => (
        <button
          key={one}
          type="button"
          className="icon-button"
          aria-label={text[one]}
          title={text[one]}
          aria-pressed={one === layout}
          onClick={() => onChange(one)}
        >
          <Icon name={one} />
        </button>
      ))}
    </div>
  );
}
