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

test('batches of many lengths keep little more than the longest needs', () => {
  const { pool } = counted();
  pool.exact = false;
  const layer = (length: number) => [3, 4, 4, 1, 1].map((width) => pool.take(length * width * 1024)!);
  let most = 0;
  for (let step = 0; step < 200; step++) {
    const before = pool.stats().reserved;
    const buffers = layer(16 + ((step * 37) % 113));
    most = Math.max(most, pool.stats().reserved - pool.stats().idle);
    for (const buffer of buffers) pool.release(buffer);
    if (step >= 150) expect(pool.stats().reserved).toBe(before); // nothing new any more
  }
  expect(pool.stats().reserved).toBeLessThan(2.2 * most);
  const [large] = [pool.take(1 << 20)!];
  pool.release(large);
  expect(pool.take(4096)!.byteLength).toBeLessThanOrEqual(8192); // not one that is far too large
});

test('clear() drops what is idle', () => {
  const { pool } = counted();
  const [a, b] = [pool.take(8192)!, pool.take(8192)!];
  pool.release(b);
  expect(pool.stats()).toEqual({ reserved: 2 * 8192, idle: 8192 });
  pool.clear();
  expect(pool.stats()).toEqual({ reserved: 8192, idle: 0 });
  expect(pool.take(8192)).not.toBe(b);
  expect(a.byteLength).toBe(8192);
});

test('a shared buffer is idle when its last owner has released it', () => {
  const { pool } = counted();
  const buffer = pool.take(8192)!;
  expect(pool.owners(buffer)).toBe(0);
  for (let i = 0; i < 3; i++) pool.share(buffer);
  const idle = [1, 2, 3].map(() => {
    pool.release(buffer);
    return pool.stats().idle;
  });
  expect(idle).toEqual([0, 0, 8192]);
  expect(pool.owners(buffer)).toBeUndefined();
});

test('a buffer that is released twice, shared when idle, or of somewhere else is refused', () => {
  const { pool } = counted();
  const buffer = pool.take(8192)!;
  pool.release(buffer);
  expect(() => pool.release(buffer)).toThrow('internal: a buffer was released twice');
  expect(() => pool.share(buffer)).toThrow('internal');
  expect(() => pool.release(new ArrayBuffer(8192))).toThrow('internal');
  expect(pool.stats()).toEqual({ reserved: 8192, idle: 8192 });
});

test('poison overwrites what is taken and what is released with NaN, small buffers too', () => {
  const { pool } = counted();
  pool.poison = true;
  for (const bytes of [4, 4096]) {
    const buffer = pool.take(bytes)!;
    const values = new Float32Array(buffer);
    expect(values.every(Number.isNaN)).toBe(true);
    values.fill(1);
    pool.release(buffer);
    expect(values.every(Number.isNaN)).toBe(true);
  }
  expect(pool.take(0)).toBeUndefined();
});
