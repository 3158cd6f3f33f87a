// One part, sent to the store by XMLHttpRequest: fetch() reports no progress of what is sent.

export interface PutOptions {
  signal: AbortSignal;
  /** Called with the number of bytes that have left so far. */
  onProgress(bytes: number): void;
}

/** Sends `body` and returns the HTTP status of the response; 0 without one. Rejects only with the signal's reason. */
export type Put = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Blob,
  options: PutOptions,
) => Promise<number>;

/** Milliseconds without progress, and without a response once all was sent, after which the connection counts as broken. */
const SILENT = 30_000;
const NO_RESPONSE = 90_000;

export const put: Put = (url, headers, body, { signal, onProgress }) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout>;
    const watch = (limit = SILENT) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), limit);
    };
    const abort = () => request.abort();
    request.upload.onprogress = ({ loaded }) => {
      watch();
      onProgress(loaded);
    };
    request.upload.onload = () => watch(NO_RESPONSE);
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      if (signal.aborted) reject(signal.reason);
      else resolve(request.status);
    };
    signal.addEventListener("abort", abort);
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    watch();
    request.send(body);
  });
