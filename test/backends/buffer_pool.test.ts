// The pool: what it hands out, what it takes back, what it counts.

import { expect, test } from 'vitest';
import { BufferPool } from '../../src/backends/buffer_pool.js';

const counted = () => {
  const sizes: number[] = [];
  const pool = new BufferPool((bytes) => {
    sizes.push(bytes);
    return new ArrayBuffer(bytes);
  });
  return { pool, sizes };
};

test('small requests are not pooled', () => {
  const { pool, sizes } = counted();
  expect([0, 4, 4095].map((bytes) => pool.take(bytes))).toEqual([undefined, undefined, undefined]);
  expect(sizes).toEqual([]);
});

test('a buffer is large enough, at most 1/8 and 64 bytes too large, and of whole cache lines', () => {
  const { pool } = counted();
  const wrong: number[] = [];
  for (let bytes = 4096; bytes < 2 ** 31; bytes = Math.ceil(bytes * 1.0173)) {
    const allocated: number[] = [];
    new BufferPool((size) => {
      allocated.push(size);
      return new ArrayBuffer(0);
    }).take(bytes);
    const [size] = allocated as [number];
    if (size < bytes || size > bytes * 1.125 + 64 || size % 64 !== 0) wrong.push(bytes);
  }
  expect(wrong).toEqual([]);
  expect(pool.stats()).toEqual({ reserved: 0, idle: 0 });
});

test('a released buffer serves the next request of its size class; a larger one is fresh', () => {
  const { pool, sizes } = counted();
  const first = pool.take(100_000)!;
  expect(pool.take(100_000)).not.toBe(first);
  pool.release(first);
  expect(pool.stats()).toEqual({ reserved: sizes[0]! * 2, idle: sizes[0] });
  expect(pool.take(99_999)).toBe(first);
  expect(pool.stats().idle).toBe(0);
  pool.take(300_000);
  expect(sizes.length).toBe(3);
});

test('an abandoned buffer is no longer counted, and clear() drops what is idle', () => {
  const { pool } = counted();
  const [a, b, c] = [pool.take(8192)!, pool.take(8192)!, pool.take(8192)!];
  pool.abandon(a);
  pool.release(b);
  expect(pool.stats()).toEqual({ reserved: 2 * 8192, idle: 8192 });
  pool.clear();
  expect(pool.stats()).toEqual({ reserved: 8192, idle: 0 });
  expect(pool.take(8192)).not.toBe(b);
  expect(c.byteLength).toBe(8192);
});

test('poison overwrites what is released with NaN', () => {
  const { pool } = counted();
  const buffer = pool.take(4096)!;
  pool.poison = true;
  pool.release(buffer);
  expect(new Float32Array(buffer).every(Number.isNaN)).toBe(true);
});
