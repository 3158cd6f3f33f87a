import { quoted } from "./shell.ts";

/** A shell command that saves the result under its name, and resumes when it is run again. */
export function curlCommand(fileUrl: string, filename: string): string {
  return `curl -L --fail -C - -o ${quoted(filename)} ${quoted(fileUrl)}`;
}
