import { useRef } from "react";

/** The array of an earlier render while this one has the same elements, so that what depends on it need not change. */
export function useSame<T>(array: readonly T[]): readonly T[] {
  const last = useRef(array);
  const { current } = last;
  if (current.length !== array.length || array.some((one, place) => one !== current[place])) last.current = array;
  return last.current;
}
