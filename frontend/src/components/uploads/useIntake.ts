import { useCallback, useRef, useState } from "react";
import { type ChosenFile, type Found, readAll, type Source } from "./chosen.ts";

/** How many files are added together at least, so that the first are sent while folders are still read. */
const BATCH = 200;
/** The names that are kept of what could not be read. */
const NAMED = 20;

export interface Intake {
  /** How many files were found so far; null while nothing is read. */
  reading: number | null;
  /** What could not be read, and how much that is in all. */
  unreadable: { names: readonly string[]; count: number };
  /** The last folder that was chosen had no files in it. */
  isEmpty: boolean;
  /** Reads files and folders and adds them. Never fails. */
  take(sources: Iterable<Source>): Promise<void>;
  takeFiles(files: Iterable<ChosenFile>): Promise<void>;
  dismiss(): void;
}

const NONE = { names: [], count: 0 };

/** Reads what the user has dropped or chosen, and passes on the files. `onEnd` is called with their number. */
export function useIntake(add: (files: readonly ChosenFile[]) => void, onEnd: (count: number) => void): Intake {
  const [reading, setReading] = useState<number | null>(null);
  const [unreadable, setUnreadable] = useState<Intake["unreadable"]>(NONE);
  const [isEmpty, setEmpty] = useState(false);

  const dismiss = useCallback(() => {
    setUnreadable(NONE);
    setEmpty(false);
  }, []);

  const run = useCallback(
    async (found: AsyncIterable<Found[]> | Iterable<Found[]>) => {
      dismiss();
      let count = 0;
      let batch: ChosenFile[] = [];
      const failed: string[] = [];
      setReading(0);
      for await (const some of found) {
        for (const one of some) {
          if ("unreadable" in one) failed.push(one.unreadable);
          else batch.push(one);
        }
        if (batch.length < BATCH) continue;
        add(batch);
        count += batch.length;
        setReading(count);
        batch = [];
      }
      if (batch.length > 0) add(batch);
      count += batch.length;
      if (count > 0) onEnd(count);
      setReading(null);
      setUnreadable({ names: failed.slice(0, NAMED), count: failed.length });
      setEmpty(count + failed.length === 0);
    },
    [add, onEnd, dismiss],
  );

  /** What is dropped meanwhile is read afterwards. */
  const last = useRef(Promise.resolve());
  const enqueue = useCallback(
    (found: AsyncIterable<Found[]> | Iterable<Found[]>) => {
      last.current = last.current.then(() => run(found));
      return last.current;
    },
    [run],
  );
  const take = useCallback((sources: Iterable<Source>) => enqueue(readAll(sources)), [enqueue]);
  const takeFiles = useCallback((files: Iterable<ChosenFile>) => enqueue([[...files]]), [enqueue]);
  return { reading, unreadable, isEmpty, take, takeFiles, dismiss };
}
