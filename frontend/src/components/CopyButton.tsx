import { useEffect, useState } from "react";
import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import type { IconName } from "./Icon.tsx";

interface Props {
  text: string | (() => string);
  children: string;
  icon?: IconName;
  kind?: "plain" | "quiet";
}

/** Copies a text, and shows the result in place of its label for two seconds. */
export function CopyButton({ text, children, icon = "copy", kind = "quiet" }: Props) {
  const [result, setResult] = useState<string | null>(null);
  useEffect(() => {
    if (result === null) return;
    const timer = setTimeout(() => setResult(null), 2_000);
    return () => clearTimeout(timer);
  }, [result]);
  const copy = async () => {
    const copied = await write(typeof text === "string" ? text : text());
    setResult(copied ? texts.copied : texts.copyFailed);
  };
  return (
    <Button kind={kind} icon={result === texts.copied ? "check" : icon} onClick={copy}>
      <span aria-live="polite">{result ?? children}</span>
    </Button>
  );
}

/** The Clipboard API needs a secure context, so pages without TLS fall back to `execCommand`. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeWithExecCommand(text);
  }
}

function writeWithExecCommand(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
