// CRC-32s of parts of files, computed by Web Workers, or by the page itself where there are none.
import type { Asked, Computed } from "./crc32Worker.ts";
import workerUrl from "./crc32Worker.ts?worker&url";
import { crc32Of } from "./reading.ts";

/** Computes the CRC-32 of a part. Rejects if the file can't be read any more, and with the signal's reason. */
export type Checksum = (blob: Blob, signal: AbortSignal) => Promise<number>;

const WORKERS = 2;
/** The one policy of trusted types that the page's Content-Security-Policy allows, for this one script. */
const POLICY = "haulage-uploads";

export interface Checksums {
  crc32: Checksum;
  close(): void;
}

interface Pending {
  blob: Blob;
  worker: Worker;
  resolve(crc: number): void;
  reject(why: unknown): void;
}

/** Workers are started with the first part. Without any (no API, a foreign origin, a policy), the page computes. */
export function createChecksums(start: () => Worker = startWorker): Checksums {
  const pending = new Map<number, Pending>();
  let workers: Worker[] | null = null;
  let count = 0;

  function begin(): Worker[] {
    try {
      return Array.from({ length: WORKERS }, () => {
        const worker = start();
        worker.onmessage = ({ data }: MessageEvent<Computed>) => finish(data);
        worker.onerror = giveUp; // its script could not be loaded
        return worker;
      });
    } catch {
      return [];
    }
  }

  function finish(computed: Computed): void {
    const one = pending.get(computed.id);
    pending.delete(computed.id);
    if ("crc" in computed) one?.resolve(computed.crc);
    else one?.reject(new Error(computed.error));
  }

  /** From now on the page computes, also what the workers have not done. */
  function giveUp(): void {
    for (const worker of workers ?? []) worker.terminate();
    workers = [];
    for (const { blob, resolve, reject } of pending.values()) crc32Of(blob).then(resolve, reject);
    pending.clear();
  }

  return {
    crc32(blob, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      workers ??= begin();
      count += 1;
      const id = count;
      const worker = workers[id % WORKERS];
      if (worker === undefined) {
        return crc32Of(blob, () => signal.aborted).then((crc) => {
          signal.throwIfAborted();
          return crc;
        });
      }
      return new Promise<number>((resolve, reject) => {
        const abort = () => {
          pending.delete(id);
          worker.postMessage({ id, blob: null } satisfies Asked);
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort, { once: true });
        const settle =
          <T>(by: (value: T) => void) =>
          (value: T) => {
            signal.removeEventListener("abort", abort);
            by(value);
          };
        pending.set(id, { blob, worker, resolve: settle(resolve), reject: settle(reject) });
        worker.postMessage({ id, blob } satisfies Asked);
      });
    },
    close() {
      for (const worker of workers ?? []) worker.terminate();
      workers = null;
    },
  };
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}
let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** The script is a file of its own: it needs no inline script, and no `blob:` in the page's policy. */
function startWorker(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy(POLICY, {
    createScriptURL(url) {
      if (url !== workerUrl) throw new TypeError(`${url} is not the script of ${POLICY}.`);
      return url;
    },
  });
  return new Worker(policy?.createScriptURL(workerUrl) ?? workerUrl, { type: "module" });
}
