// How far a value lies from the recent ones, in standard deviations: marks spikes of loss and gradient norm.
//
//   z = (x - mean) / std      of the last 128 values, x included; null until there are so many
//
// The report marks what lies more than 5 above. Nothing acts on it: it is a reading.

/** Number of values that a z-score compares with. */
export const WINDOW = 128;

/** z-scores of a series. */
export class ZScore {
  readonly #values = new Float64Array(WINDOW);
  #count = 0;

  /** Takes the next value; its z-score, 0 where all values are equal, null until there are WINDOW values. */
  next(value: number): number | null {
    this.#values[this.#count++ % WINDOW] = value;
    if (this.#count < WINDOW) return null;
    const mean = this.#values.reduce((a, b) => a + b, 0) / WINDOW;
    const variance = this.#values.reduce((a, b) => a + (b - mean) ** 2, 0) / WINDOW;
    return variance > 0 ? (value - mean) / Math.sqrt(variance) : 0;
  }
}
