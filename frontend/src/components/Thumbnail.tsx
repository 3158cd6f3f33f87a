import { useEffect, useState } from "react";
import { Icon, type IconName } from "./Icon.tsx";

/** Milliseconds until an image that could not be loaded is requested again, and how often. */
const AGAIN = 4_000;
const TRIES = 3;

interface Props {
  /** Of the image; null if there is none. */
  url: string | null;
  /** What is shown instead of an image. */
  icon: IconName;
}

/** A small image of a file in a box whose size does not depend on it. Decorative: the file's name is always beside it. */
export function Thumbnail({ url, icon }: Props) {
  const [broken, setBroken] = useState<string | null>(null);
  const [tries, setTries] = useState(1);
  const isBroken = url === broken;
  useEffect(() => {
    if (!isBroken || url === null || tries >= TRIES) return;
    const timer = setTimeout(() => {
      setTries(tries + 1);
      setBroken(null);
    }, AGAIN);
    return () => clearTimeout(timer);
  }, [isBroken, url, tries]);
  return (
    <span className="thumbnail">
      {url === null || isBroken ? (
        <Icon name={icon} />
      ) : (
        <img src={url} alt="" width="320" height="240" loading="lazy" decoding="async" onError={() => setBroken(url)} />
      )}
    </span>
  );
}
