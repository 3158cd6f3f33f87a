import { useEffect, useState } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";

interface Props {
  text: string | (() => string);
  children: string;
}

/** Copies a text, and says so in its own place for two seconds. */
export function CopyButton({ text, children }: Props) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), 2_000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    const copied = await write(typeof text === "string" ? text : text());
    setSaid(copied ? texts.copied : texts.copyFailed);
  };
  return (
    <Button kind="quiet" icon={said === texts.copied ? "check" : "copy"} onClick={copy}>
      <span aria-live="polite">{said ?? children}</span>
    </Button>
  );
}

/** The clipboard of pages without TLS is the old one. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeTheOldWay(text);
  }
}

function writeTheOldWay(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
