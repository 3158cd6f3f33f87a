// Who waits for something: in the order in which they came, and no longer than their signals allow.
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Resolves once it is woken. Rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        signal.removeEventListener("abort", abort);
        this.#waiting.delete(wake);
        resolve();
      };
      const abort = () => {
        this.#waiting.delete(wake);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.add(wake);
    });
  }

  /** Wakes so many of them, those that came first. */
  wake(most = Number.POSITIVE_INFINITY): void {
    let left = most;
    for (const wake of this.#waiting) {
      if (left <= 0) return;
      left -= 1;
      wake();
    }
  }
}
