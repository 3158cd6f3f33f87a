/** A line for a shell: saves the result under its name, and goes on where it broke off when it is run again. */
export function curlOf(fileUrl: string, filename: string): string {
  return `curl -L --fail -C - -o ${quoted(filename)} ${quoted(fileUrl)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
