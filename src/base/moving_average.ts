// Debiased exponential moving average, the smooth loss of the progress bar and of the report's chart.
//
//   average_t = sum_i decay^(t-i) x_i / sum_i decay^(t-i)        so the first value counts in full, and there is no
//                                                                pull towards zero (Adam's bias correction)

export class MovingAverage {
  readonly #decay: number;
  #sum = 0;
  #weight = 0;

  /** decay 0.9: about the last 10 values. */
  constructor(decay: number) {
    this.#decay = decay;
  }

  /** Takes a value in; one that is not finite is skipped. Returns the new average. */
  add(x: number): number {
    if (Number.isFinite(x)) {
      this.#sum = this.#decay * this.#sum + x;
      this.#weight = this.#decay * this.#weight + 1;
    }
    return this.value;
  }

  /** NaN before the first value. */
  get value(): number {
    return this.#weight > 0 ? this.#sum / this.#weight : Number.NaN;
  }
}
