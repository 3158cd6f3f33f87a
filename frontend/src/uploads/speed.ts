// How fast bytes are sent, over the last seconds.

const SPAN = 5_000; // milliseconds

export class Speed {
  readonly #samples: { at: number; bytes: number }[] = [];
  #bytes = 0;

  /** Negative for bytes that have to be sent again. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Bytes per second up to `now` (milliseconds). */
  at(now: number): number {
    const samples = this.#samples;
    if (samples.at(-1)?.at !== now) samples.push({ at: now, bytes: this.#bytes });
    while (samples.length > 2 && now - (samples[1] as { at: number }).at > SPAN) samples.shift();
    const [first] = samples as [{ at: number; bytes: number }];
    const seconds = (now - first.at) / 1000;
    return seconds < 0.5 ? 0 : Math.max(0, Math.round((this.#bytes - first.bytes) / seconds));
  }
}
