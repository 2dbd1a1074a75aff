// How many demonstrations fit: by the formula, and by counting what the prompts then come to.

import { describe, expect, test } from 'vitest';
import { shotsThatFit } from '../../src/eval/shots.js';
import { fakeAnswerer, isScored, SPLITS, smallTask } from './small_task.js';

// "2 or 9?" + " right" is 13 characters, a demonstration with its "\n\n" 14 (left) or 15 (right)
const QUESTION = 13;

async function mostThatFit(
  n_ctx: number,
  most = 100,
  changes = {},
  splits = SPLITS,
  rule: 'few' | 'number' = 'few',
): Promise<number> {
  const { task } = await smallTask(changes, splits);
  return shotsThatFit(
    task,
    await task.requests(0),
    fakeAnswerer(() => ({}), { n_ctx }),
    most,
    rule,
  );
}

const rightOnes = { ...SPLITS, train: SPLITS['train']!.map(({ a, b }) => ({ a, b, larger: 1 })) };

describe('demonstrations of one length', () => {
  test.each([0, 1, 2, 7])('%i fit exactly; with a token less one fewer does', async (k) => {
    const n_ctx = QUESTION + 15 * k - 1; // the last token is only predicted
    expect(await mostThatFit(n_ctx, 100, {}, rightOnes)).toBe(k);
    if (k > 0) expect(await mostThatFit(n_ctx - 1, 100, {}, rightOnes)).toBe(k - 1);
  });

  test('never more than asked for', async () => {
    expect(await mostThatFit(10_000, 3, {}, rightOnes)).toBe(3);
  });

  test('a description takes its room', async () => {
    const description = 'Which one is larger?\n';
    expect(await mostThatFit(QUESTION + description.length + 15 * 4 - 1, 100, { description }, rightOnes)).toBe(4);
  });

  test('a prompt longer than the context leaves none', async () => {
    expect(await mostThatFit(5)).toBe(0);
  });
});

test('of different lengths: two standard deviations to spare', async () => {
  const lengths = SPLITS['train']!.map(({ larger }) => (larger === 1 ? 15 : 14));
  const m = lengths.reduce((a, b) => a + b, 0) / lengths.length;
  const s = Math.sqrt(lengths.reduce((sum, x) => sum + (x - m) ** 2, 0) / lengths.length);
  expect(s).toBeGreaterThan(0);
  const room = QUESTION + 5 * m + 2 * s * Math.sqrt(5);
  expect(await mostThatFit(Math.ceil(room) - 1)).toBe(5);
  expect(await mostThatFit(Math.floor(room) - 2)).toBe(4);
});

test('a number that is asked for needs only prompts of mean length to fit', async () => {
  const words = ['a', 'bb', 'ccc', 'dddd', 'a very long name of an animal'];
  const rows = words.map((a) => ({ a, b: 'x', larger: 1 }));
  const splits = { train: rows, test: rows };
  const { task } = await smallTask({}, splits);
  const mean = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0) / texts.length;
  const q = mean(rows.map((row) => `${task.questions(row)[0]} right`)); // the longer of both answers
  const m = mean(rows.map((row) => task.shotContext(row)));
  const n_ctx = Math.ceil(q + 2 * m) - 1;
  expect(await mostThatFit(n_ctx, 100, {}, splits, 'number')).toBe(2);
  expect(await mostThatFit(n_ctx - 1, 100, {}, splits, 'number')).toBe(1);
  expect(await mostThatFit(n_ctx, 100, {}, splits, 'few')).toBeLessThan(2);
});

test('text that is generated takes its room too', async () => {
  const changes = {
    ...{ output_type: 'generate_until', doc_to_target: "{{['left','right'][larger]}}", doc_to_choice: null },
    ...{ metric_list: [{ metric: 'exact_match' }], generation_kwargs: { until: ['\n'], max_gen_toks: 20 } },
  };
  const n_ctx = '2 or 9?'.length + 20 + 15 * 3;
  expect(await mostThatFit(n_ctx, 100, changes, rightOnes)).toBe(3);
  expect(await mostThatFit(n_ctx - 1, 100, changes, rightOnes)).toBe(2);
});

test('with so many, hardly a prompt is longer than the context', async () => {
  const words = ['ox', 'newt', 'walrus', 'salamander', 'hippopotamus'];
  const train = Array.from({ length: 300 }, (_, i) => ({
    a: words[(i * 7) % 5]!,
    b: words[(i * i) % 5]!,
    larger: i % 2,
  }));
  const { task } = await smallTask({}, { train, test: train.slice(0, 200) });
  const n_ctx = 400;
  const answerer = fakeAnswerer(() => ({}), { n_ctx });
  const k = await shotsThatFit(task, await task.requests(0), answerer, 100, 'few');
  const lengths = (shots: number) =>
    task
      .requests(shots)
      .then((docs) =>
        docs.map(({ requests }) =>
          Math.max(...requests.filter(isScored).map((r) => r.context.length + r.continuation.length)),
        ),
      );
  const tooLong = (await lengths(k)).filter((length) => length > n_ctx + 1).length;
  expect(tooLong).toBeLessThan(0.05 * 200);
  const withMore = (await lengths(k + 3)).filter((length) => length > n_ctx + 1).length;
  expect(withMore).toBeGreaterThan(0.05 * 200); // it was not far from the edge
});

test('a row that makes no demonstration is named', async () => {
  const train = SPLITS['train']!.map((row, i) => (i === 5 ? { ...row, larger: 7 } : row));
  await expect(mostThatFit(500, 100, {}, { ...SPLITS, train })).rejects.toThrow(
    'task larger, doc_to_target, document 5 of the demonstrations: no answer in text: 7, and there are 2 choices',
  );
});
