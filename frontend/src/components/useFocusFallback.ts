import { type FocusEvent, useLayoutEffect, useRef } from "react";

/** The element to focus instead of `gone`, which has disappeared. */
export type Fallback = (box: HTMLElement, gone: Element) => HTMLElement | null | undefined;

const firstAction: Fallback = (box) => box.querySelector<HTMLElement>(".job-actions .button");

/** If the focused element disappears when `state` changes, moves the focus: by default to the first available action. */
export function useFocusFallback<T extends HTMLElement>(state: unknown, fallback = firstAction) {
  const box = useRef<T>(null);
  const focused = useRef<Element | null>(null);
  const onFocus = ({ target }: FocusEvent) => {
    focused.current = target;
  };
  const onBlur = ({ relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null) focused.current = null;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs after every change of `state`
  useLayoutEffect(() => {
    if (box.current === null || focused.current === null || document.activeElement !== document.body) return;
    (fallback(box.current, focused.current) ?? box.current).focus();
  }, [state]);
  return { ref: box, onFocus, onBlur, tabIndex: -1 };
}
