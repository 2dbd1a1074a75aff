// XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), seed 0, of a stream: the checksum of zstd's frames.
//
// Four lanes of 64 bits take 32 bytes at a time. A lane is two 32-bit words here, since numbers hold no 64-bit product and
// BigInt is fifty times slower; only the end, once a frame, is done with it. Test: known digests in test/data/zstd.test.ts.

import { mulHigh } from '../base/rng.js';

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const low = (x: bigint): number => Number(x & 0xffffffffn) | 0;
const high = (x: bigint): number => Number(x >> 32n) | 0;
const wrap = (x: bigint): bigint => BigInt.asUintN(64, x);
const rotate = (x: bigint, n: bigint): bigint => wrap((x << n) | (x >> (64n - n)));

const [P1L, P1H, P2L, P2H] = [low(P1), high(P1), low(P2), high(P2)];
const STRIPE = 32;

/** A digest that is fed piece by piece. */
export class Xxh64 {
  readonly #lanes = Int32Array.from([wrap(P1 + P2), P2, 0n, wrap(-P1)].flatMap((lane) => [low(lane), high(lane)]));
  readonly #rest = Buffer.alloc(STRIPE);
  #held = 0; // bytes of #rest
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#held > 0) {
      at = Math.min(STRIPE - this.#held, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#held);
      this.#held += at;
      if (this.#held < STRIPE) return;
      this.#stripe(this.#rest, 0);
      this.#held = 0;
    }
    for (; at + STRIPE <= bytes.length; at += STRIPE) this.#stripe(bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#held = bytes.length - at;
  }

  digest(): bigint {
    let hash = this.#length < STRIPE ? P5 : this.#merged();
    hash = wrap(hash + BigInt(this.#length));
    const rest = this.#rest.subarray(0, this.#held);
    let at = 0;
    for (; at + 8 <= rest.length; at += 8) {
      hash = wrap(rotate(hash ^ round(0n, rest.readBigUInt64LE(at)), 27n) * P1 + P4);
    }
    if (at + 4 <= rest.length) {
      hash = wrap(rotate(hash ^ wrap(BigInt(rest.readUInt32LE(at)) * P1), 23n) * P2 + P3);
      at += 4;
    }
    for (; at < rest.length; at++) hash = wrap(rotate(hash ^ wrap(BigInt(rest[at]!) * P5), 11n) * P1);
    hash = wrap((hash ^ (hash >> 33n)) * P2);
    hash = wrap((hash ^ (hash >> 29n)) * P3);
    return hash ^ (hash >> 32n);
  }

  #merged(): bigint {
    const lanes = [0, 1, 2, 3].map(
      (i) => (BigInt(this.#lanes[2 * i + 1]! >>> 0) << 32n) | BigInt(this.#lanes[2 * i]! >>> 0),
    );
    const sum = lanes.reduce((hash, lane, i) => wrap(hash + rotate(lane, [1n, 7n, 12n, 18n][i]!)), 0n);
    return lanes.reduce((hash, lane) => wrap((hash ^ round(0n, lane)) * P1 + P4), sum);
  }

  /** lane = rotate(lane + word * P2, 31) * P1, for four words of 64 bits. */
  #stripe(bytes: Uint8Array, from: number): void {
    for (let i = 0; i < 8; i += 2) {
      const at = from + 4 * i;
      const wL = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      const wH = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
      const sumL = (this.#lanes[i]! >>> 0) + (Math.imul(wL, P2L) >>> 0);
      const carry = sumL > 0xffffffff ? 1 : 0;
      const xL = sumL | 0;
      const xH = (this.#lanes[i + 1]! + mulHigh(wL, P2L) + Math.imul(wL, P2H) + Math.imul(wH, P2L) + carry) | 0;
      const rL = (xL << 31) | (xH >>> 1);
      const rH = (xH << 31) | (xL >>> 1);
      this.#lanes[i] = Math.imul(rL, P1L);
      this.#lanes[i + 1] = (mulHigh(rL, P1L) + Math.imul(rL, P1H) + Math.imul(rH, P1L)) | 0;
    }
  }
}

const round = (lane: bigint, word: bigint): bigint => wrap(rotate(wrap(lane + word * P2), 31n) * P1);
