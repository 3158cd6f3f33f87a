import { type FocusEvent, useLayoutEffect, useRef } from "react";

/** When what had the focus goes away with a change of `state`, it moves to the first thing that can be done now. */
export function useKeptFocus<T extends HTMLElement>(state: unknown) {
  const box = useRef<T>(null);
  const had = useRef(false);
  const onFocus = () => {
    had.current = true;
  };
  const onBlur = ({ relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null) had.current = false;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: it looks after each change of the state
  useLayoutEffect(() => {
    if (!had.current || document.activeElement !== document.body) return;
    const heir = box.current?.querySelector<HTMLElement>(".job-actions .button") ?? box.current;
    heir?.focus();
  }, [state]);
  return { ref: box, onFocus, onBlur, tabIndex: -1 };
}
