import { type FocusEvent, useLayoutEffect, useRef } from "react";

/** If the focused element disappears when `state` changes, moves the focus to the first available action. */
export function useFocusFallback<T extends HTMLElement>(state: unknown) {
  const box = useRef<T>(null);
  const hadFocus = useRef(false);
  const onFocus = () => {
    hadFocus.current = true;
  };
  const onBlur = ({ relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null) hadFocus.current = false;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs after every change of `state`
  useLayoutEffect(() => {
    if (!hadFocus.current || document.activeElement !== document.body) return;
    const target = box.current?.querySelector<HTMLElement>(".job-actions .button") ?? box.current;
    target?.focus();
  }, [state]);
  return { ref: box, onFocus, onBlur, tabIndex: -1 };
}
