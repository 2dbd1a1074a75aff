// The plan, replayed on lists: what stands before each asked position is what its sequence says, and nothing is read twice.

import { expect, test } from 'vitest';
import { Random, Stream } from '../../../src/base/rng.js';
import type { Sequence } from '../../../src/eval/answer/pairs.js';
import { planOf } from '../../../src/eval/answer/plan.js';

const sequence = (ids: readonly number[], targets: readonly number[]): Sequence => ({
  ids: Int32Array.from(ids),
  targets: Int32Array.from(targets),
  truncated: 0,
});

/** Random sequences over few tokens, so that many begin alike, or are equal, or begin each other. */
function someSequences(count: number, seed: number): Sequence[] {
  const random = new Random(seed, Stream.test);
  return Array.from({ length: count }, () => {
    const ids = Array.from({ length: 1 + random.below(9) }, () => random.below(3));
    return sequence(
      ids,
      Array.from({ length: 1 + random.below(ids.length) }, () => random.below(5)),
    );
  });
}

/** [what was read up to the asked position, target] of each sequence's scores, in order. */
function replay(sequences: readonly Sequence[], most: number) {
  const chunks = planOf(sequences, most);
  const path: number[] = [];
  const asked = sequences.map((): [string, number][] => []);
  for (const { ids, pieces, scores } of chunks) {
    expect(ids.length).toBeLessThanOrEqual(most);
    const prefixes: string[] = []; // of each row
    for (const { past, length } of pieces) {
      expect(past).toBeLessThanOrEqual(path.length);
      path.length = past;
      for (let i = 0; i < length; i++) {
        path.push(ids[prefixes.length]!);
        prefixes.push(path.join());
      }
    }
    expect(prefixes).toHaveLength(ids.length);
    for (const { row, target, of } of scores) asked[of]!.push([prefixes[row]!, target]);
  }
  return { asked, read: chunks.map(({ ids }) => ids.length) };
}

test.each([1, 2, 3, 7, 1000])('chunks of %i tokens', (most) => {
  for (const count of [1, 2, 30, 200]) {
    const sequences = someSequences(count, count);
    const { asked, read } = replay(sequences, most);
    const want = sequences.map(({ ids, targets }) =>
      [...targets].map((target, i) => [ids.slice(0, ids.length - targets.length + i + 1).join(), target]),
    );
    // chunks come in the order of reading, which along one sequence is that of its positions
    expect(asked).toEqual(want);
    // each beginning of a sequence is a node, read once; all chunks but the last are full
    const nodes = new Set(sequences.flatMap(({ ids }) => [...ids].map((_, i) => ids.slice(0, i + 1).join())));
    expect(read.reduce((a, b) => a + b)).toBe(nodes.size);
    expect(read.slice(0, -1).every((n) => n === most)).toBe(true);
  }
});

test('no sequences, no chunks', () => {
  expect(planOf([], 10)).toEqual([]);
});

test('four documents of two choices after the same shots: shots once, questions once, nothing for the choices', () => {
  const shots = Array.from({ length: 50 }, (_, i) => i);
  const question = (d: number) => [...shots, 100 + d, 200, 201, 202, 203, 204, 205, 206, 207, 208];
  const sequences = [0, 1, 2, 3].flatMap((d) => [7, 8].map((choice) => sequence(question(d), [choice])));
  const [chunk, ...more] = planOf(sequences, 1000);
  expect(more).toEqual([]);
  expect(chunk!.ids).toHaveLength(50 + 4 * 10);
  expect(chunk!.pieces).toEqual([{ past: 0, length: 60 }, ...[1, 2, 3].map(() => ({ past: 50, length: 10 }))]);
  expect(chunk!.scores.map(({ row }) => row)).toEqual([59, 59, 69, 69, 79, 79, 89, 89]);
});
