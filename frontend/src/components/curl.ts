import { quoted } from "./shell.ts";

/** A shell command that saves the result under its name, and resumes when it is run again; `withKey`: with an API key. */
export function curlCommand(fileUrl: string, filename: string, withKey = false): string {
  const key = withKey ? '-H "Authorization: Bearer $HAULAGE_TOKEN" ' : "";
  return `curl -L --fail -C - ${key}-o ${quoted(filename)} ${quoted(fileUrl)}`;
}
