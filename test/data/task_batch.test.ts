// Batches of encoded examples: shapes, targets and weights; the order of training.

import { describe, expect, test } from 'vitest';
import { type BatchExample, microBatches, positions, TaskOrder, toBatch } from '../../src/data/task_batch.js';

const example = (lengths: readonly number[], target = 0, weight = 1): BatchExample => ({
  sequences: lengths.map((n, k) => Int32Array.from({ length: n }, (_, i) => 100 * (k + 1) + i)),
  target,
  weight,
});

describe('a batch', () => {
  test('is padded to a multiple of 8, and says which positions count', () => {
    const batch = toBatch([example([3], 1, 2), example([5], 0)], 64);
    expect([batch.B, batch.T, batch.E, batch.K, batch.tokens]).toEqual([2, 8, 2, 1, 8]);
    expect([...batch.x]).toEqual([100, 101, 102, 0, 0, 0, 0, 0, 100, 101, 102, 103, 104, 0, 0, 0]);
    expect([...batch.y]).toEqual([101, 102, -1, -1, -1, -1, -1, -1, 101, 102, 103, 104, -1, -1, -1, -1]);
    expect([...batch.tokenShares]).toEqual([0.5, 0.5, 0, 0, 0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0]);
    expect([...batch.rows]).toEqual([2, 12]); // of the last tokens
    expect([...batch.targets]).toEqual([1, 0]);
    expect([...batch.weights]).toEqual([2, 1]);
  });

  test('is never wider than the context', () => {
    expect(toBatch([example([11])], 12).T).toBe(12);
    expect(positions([example([11]), example([2, 2])], 12)).toBe(36);
  });

  test('examples may have different numbers of answers: the missing ones are no answers', () => {
    const batch = toBatch([example([2, 4, 3], 2), example([2, 2], 1)], 64);
    expect([batch.B, batch.K]).toEqual([5, 3]);
    expect([...batch.valid]).toEqual([1, 1, 1, 1, 1, 0]);
    expect([...batch.rows]).toEqual([1, 11, 18, 25, 33, 25]); // the third of the second: a row that exists
  });
});

test('micro-batches hold every example once, within the limit of positions or alone', () => {
  const examples = Array.from({ length: 50 }, (_, i) => example([2 + ((i * 7) % 40)]));
  const groups = microBatches(examples, 128, 64);
  expect(new Set(groups.flat())).toEqual(new Set(examples));
  expect(groups.flat()).toHaveLength(50);
  for (const group of groups) expect(positions(group, 64)).toBeLessThanOrEqual(128);
  expect(microBatches([example([60]), example([60])], 8, 64)).toHaveLength(2);
});

describe('the order of training', () => {
  const examples = Array.from({ length: 103 }, (_, i) => example([2 + ((i * 13) % 50)], i));
  const idsOf = (order: TaskOrder<BatchExample>, epoch: number) =>
    Array.from({ length: order.stepsPerEpoch }, (_, i) =>
      order.batchAt(epoch * order.stepsPerEpoch + i).map(({ target }) => target),
    );

  test('an epoch has whole batches, each example at most once; what is left out changes', () => {
    const order = new TaskOrder(examples, 8, 7);
    expect(order.stepsPerEpoch).toBe(12);
    const left = [0, 1, 2].map((epoch) => {
      const ids = idsOf(order, epoch).flat();
      expect(new Set(ids).size).toBe(96);
      return examples.map(({ target }) => target).filter((id) => !ids.includes(id));
    });
    expect(left[0]).toHaveLength(7);
    expect(left[0]).not.toEqual(left[1]);
  });

  test('is a function of seed and step, in whichever order steps are asked for', () => {
    const [a, b] = [new TaskOrder(examples, 8, 7), new TaskOrder(examples, 8, 7)];
    const late = b.batchAt(30);
    expect(idsOf(a, 0)).toEqual(idsOf(b, 0));
    expect(a.batchAt(30)).toEqual(late);
    expect(idsOf(new TaskOrder(examples, 8, 8), 0)).not.toEqual(idsOf(a, 0));
    expect(idsOf(a, 1)).not.toEqual(idsOf(a, 0));
  });

  test('examples of similar length come together, and short batches do not come first', () => {
    const order = new TaskOrder(examples, 8, 7);
    const longest = (batch: readonly BatchExample[]) => Math.max(...batch.map(({ sequences }) => sequences[0]!.length));
    const tokens = (batch: readonly BatchExample[]) => batch.reduce((n, { sequences }) => n + sequences[0]!.length, 0);
    const batches = Array.from({ length: 12 }, (_, i) => order.batchAt(i));
    const full = batches.reduce((n, batch) => n + 8 * longest(batch), 0);
    const used = batches.reduce((n, batch) => n + tokens(batch), 0);
    expect(used / full).toBeGreaterThan(0.85); // unsorted: about a half
    const lengths = batches.map(longest);
    expect([...lengths].sort((a, b) => a - b)).not.toEqual(lengths);
  });

  test('fewer examples than a batch are one batch', () => {
    const order = new TaskOrder(examples.slice(0, 5), 32, 1);
    expect(order.stepsPerEpoch).toBe(1);
    expect(order.batchAt(3)).toHaveLength(5);
  });
});
