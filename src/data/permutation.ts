// A permutation of 0 .. n-1 for every (seed, epoch), which takes no memory however large n is: a Feistel network whose round
// function is Philox, on the smallest 4^h >= n, walked along its cycle until it falls below n (Black and Rogaway 2002).

import { philox, Stream } from '../base/rng.js';

/** Where i in [0, n) goes in the permutation of (seed, epoch); n < 2^32. stream: what it is for (base/rng.ts). */
export function permuted(i: number, n: number, seed: number, epoch: number, stream: number = Stream.shuffle): number {
  let half = 1;
  while (4 ** half < n) half++;
  const size = 2 ** half;
  const word = new Uint32Array(4);
  let x = i;
  do {
    let left = Math.floor(x / size);
    let right = x % size;
    for (let round = 1; round <= 8; round++) {
      // Round 0 is left to Random, which draws the epoch's offset from the counter (0, 0, epoch, shuffle).
      philox(word, 0, right, round, epoch, stream, seed >>> 0, Math.floor(seed / 2 ** 32));
      const mixed = (left ^ word[0]!) & (size - 1);
      left = right;
      right = mixed;
    }
    x = left * size + right;
  } while (x >= n);
  return x;
}
