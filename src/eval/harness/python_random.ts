// CPython's random.Random, as far as lm-evaluation-harness draws from it: the same seed gives the same documents.
//
// The generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998, their init_by_array for the seed); what is
// made of its 32-bit words follows CPython's Lib/random.py: getrandbits with rejection for whole numbers, two words for a
// float of 53 bits, and both ways of `sample`. Values of CPython itself: test/eval/harness/python_random.test.ts.

const N = 624;
const M = 397;

export class PythonRandom {
  readonly #state = new Uint32Array(N);
  #next = N;

  /** A whole number. */
  constructor(seed: number) {
    this.#seed(seed);
  }

  /** In [0, 1), 53 bits. */
  random(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** In [0, n), n from 1 to 2^32. */
  below(n: number): number {
    const bits = n >= 2 ** 32 ? 33 : 32 - Math.clz32(n);
    if (bits > 32) throw new RangeError(`internal: random number below ${n}`);
    for (;;) {
      const drawn = this.#word() >>> (32 - bits);
      if (drawn < n) return drawn;
    }
  }

  /** k different elements, in the order drawn. Throws RangeError when there are fewer. */
  sample<T>(population: readonly T[], k: number): T[] {
    const n = population.length;
    if (k > n) throw new RangeError(`a sample of ${k} from ${n}`);
    // CPython copies a population that takes no more room than a set of k would
    const set = 21 + (k > 5 ? 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 0);
    if (n <= set) {
      const pool = [...population];
      return Array.from({ length: k }, (_, i) => {
        const j = this.below(n - i);
        const drawn = pool[j]!;
        pool[j] = pool[n - i - 1]!;
        return drawn;
      });
    }
    const taken = new Set<number>();
    return Array.from({ length: k }, () => {
      let j = this.below(n);
      while (taken.has(j)) j = this.below(n);
      taken.add(j);
      return population[j]!;
    });
  }

  /** k indexes in [0, n), with replacement, as `choices` draws them. Writes them into `out`, whose length is k. */
  choices(n: number, out: Uint32Array): Uint32Array {
    // random() written out: a bootstrap draws 500 million of these
    const mt = this.#state;
    let next = this.#next;
    for (let i = 0; i < out.length; i++) {
      if (next >= N) next = twist(mt);
      const high = tempered(mt[next++]!) >>> 5;
      if (next >= N) next = twist(mt);
      const low = tempered(mt[next++]!) >>> 6;
      out[i] = Math.floor(((high * 2 ** 26 + low) / 2 ** 53) * n);
    }
    this.#next = next;
    return out;
  }

  /** Rearranges in place, as random.shuffle. */
  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [list[i], list[j]] = [list[j]!, list[i]!];
    }
    return list;
  }

  #seed(seed: number): void {
    const key: number[] = [];
    for (let rest = BigInt(Math.abs(seed)); key.length === 0 || rest > 0n; rest >>= 32n) {
      key.push(Number(rest & 0xffffffffn));
    }
    const mt = this.#state;
    mt[0] = 19650218;
    for (let i = 1; i < N; i++) mt[i] = Math.imul(1812433253, mt[i - 1]! ^ (mt[i - 1]! >>> 30)) + i;
    let i = 1;
    const step = () => {
      if (++i >= N) {
        mt[0] = mt[N - 1]!;
        i = 1;
      }
    };
    const mixed = () => mt[i - 1]! ^ (mt[i - 1]! >>> 30);
    for (let k = 0; k < Math.max(N, key.length); k++) {
      const j = k % key.length;
      mt[i] = (mt[i]! ^ Math.imul(mixed(), 1664525)) + key[j]! + j;
      step();
    }
    for (let k = 0; k < N - 1; k++) {
      mt[i] = (mt[i]! ^ Math.imul(mixed(), 1566083941)) - i;
      step();
    }
    mt[0] = 0x80000000;
    this.#next = N;
  }

  #word(): number {
    if (this.#next >= N) this.#next = twist(this.#state);
    return tempered(this.#state[this.#next++]!);
  }
}

function tempered(y: number): number {
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}

/** The next N words of the state; returns the place of the first. */
function twist(mt: Uint32Array): 0 {
  let k = 0;
  for (; k < N - M; k++) mt[k] = mt[k + M]! ^ mixed(mt[k]!, mt[k + 1]!);
  for (; k < N - 1; k++) mt[k] = mt[k + M - N]! ^ mixed(mt[k]!, mt[k + 1]!);
  mt[N - 1] = mt[M - 1]! ^ mixed(mt[N - 1]!, mt[0]!);
  return 0;
}

function mixed(upper: number, lower: number): number {
  const y = (upper & 0x80000000) | (lower & 0x7fffffff);
  return (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
}
