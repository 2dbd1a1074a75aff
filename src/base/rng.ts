// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
//
//   philox(counter (4 x u32), key (2 x u32)) -> 4 x u32
//
// There is no state: a number is a function of (seed, stream, index). So initialisation, dropout, shuffling and
// sampling give the same numbers on every backend, with any number of threads, and after a resume.
// C++ twin: src/backends/native/philox.h. Shared test vectors: test/base/rng.test.ts.

/** What a stream of numbers is for. Part of the counter, so that two purposes never share numbers. */
export const Stream = {
  init: 1,
  dropout: 2,
  shuffle: 3,
  sample: 4,
  split: 5,
  test: 6,
  bootstrap: 7,
  lora: 8,
  mix: 9,
} as const;

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the unsigned product of two 32-bit words. */
export function mulHigh(a: number, b: number): number {
  const aL = a & 0xffff;
  const aH = a >>> 16;
  const bL = b & 0xffff;
  const bH = b >>> 16;
  const mid = aH * bL + ((aL * bL) >>> 16);
  const mid2 = aL * bH + (mid % 0x10000);
  return (aH * bH + Math.floor(mid / 0x10000) + Math.floor(mid2 / 0x10000)) >>> 0;
}

/** Philox4x32-10. Writes four u32 to `out` at `at`. */
export function philox(
  out: Uint32Array,
  at: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const h0 = mulHigh(M0, c0);
    const l0 = Math.imul(M0, c0) >>> 0;
    const h1 = mulHigh(M1, c2);
    const l1 = Math.imul(M1, c2) >>> 0;
    c0 = (h1 ^ c1 ^ k0) >>> 0;
    c1 = l1;
    c2 = (h0 ^ c3 ^ k1) >>> 0;
    c3 = l0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/**
 * The random numbers of one purpose: (seed, stream, substream) is the key of a sequence that is read by index.
 * Numbers 4i .. 4i+3 come from the counter (i, i >> 32, substream, stream) under the key (seed, seed >> 32).
 */
export class Random {
  readonly #seed: number;
  readonly #stream: number;
  readonly #substream: number;
  readonly #block = new Uint32Array(4);
  #index = 0;

  /** seed: an integer below 2^53; stream: one of Stream; substream: an integer below 2^32, e.g. step or layer. */
  constructor(seed: number, stream: number, substream = 0) {
    this.#seed = seed;
    this.#stream = stream;
    this.#substream = substream >>> 0;
  }

  /** Next u32. */
  u32(): number {
    const i = this.#index++;
    if (i % 4 === 0) {
      const block = i / 4;
      philox(
        this.#block,
        0,
        block >>> 0,
        Math.floor(block / 2 ** 32),
        this.#substream,
        this.#stream,
        this.#seed >>> 0,
        Math.floor(this.#seed / 2 ** 32),
      );
    }
    return this.#block[i % 4]!;
  }

  /** Uniform in [0, 1), 24 bits: exact in float32. */
  uniform(): number {
    return (this.u32() >>> 8) * 2 ** -24;
  }

  /** Uniform integer in [0, n), n < 2^32, without modulo bias (rejection). */
  below(n: number): number {
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const x = this.u32();
      if (x < limit) return x % n;
    }
  }

  /** Fills `out` with normal numbers of this standard deviation (Box-Muller in float64, one u32 a number). */
  fillNormal(out: Float32Array, std: number): void {
    for (let i = 0; i < out.length; i += 2) {
      const radius = std * Math.sqrt(-2 * Math.log((this.u32() + 1) * 2 ** -32)); // the logarithm's argument is in (0, 1]
      const angle = 2 * Math.PI * 2 ** -32 * this.u32();
      out[i] = radius * Math.cos(angle);
      out[i + 1] = radius * Math.sin(angle); // beyond the end of an odd length: ignored
    }
  }

  /** A permutation of 0 .. n-1 (Fisher-Yates). */
  permutation(n: number): Uint32Array {
    const p = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const t = p[i]!;
      p[i] = p[j]!;
      p[j] = t;
    }
    return p;
  }
}
