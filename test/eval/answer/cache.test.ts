// The cache, with an answerer that counts what it is asked.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../../src/base/errors.js';
import { tf } from '../../../src/base/tf.js';
import { cached, modelKey } from '../../../src/eval/answer/cache.js';
import type { Answer, Answerer, Request } from '../../../src/eval/request.js';
import { Gpt } from '../../../src/model/gpt.js';
import { initialValues } from '../../../src/model/init.js';
import { ByteTokenizer } from '../../../src/tokenizer/byte.js';
import { smallModel } from '../../model/small.js';
import { native } from '../../ops/parity.js';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'answers-'));
  file = path.join(dir, 'new folder/answers.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Answers with what it is asked; fails at the request number `failAt` of a call. */
function fake(failAt = Number.POSITIVE_INFINITY): Answerer & { asked: Request[] } {
  const asked: Request[] = [];
  return {
    asked,
    n_ctx: 16,
    countTokens: (text) => text.length,
    async answer(requests, { onAnswer, onProgress, signal } = {}) {
      const answers: Answer[] = [];
      // backwards: an answerer chooses its own order
      for (let i = requests.length - 1, done = 0; i >= 0; i--) {
        signal?.throwIfAborted();
        const request = requests[i]!;
        if (done === failAt) throw new Error('killed');
        asked.push(request);
        answers[i] = answerTo(request);
        onAnswer?.(i, answers[i]!);
        onProgress?.(++done, requests.length);
      }
      return answers;
    },
  };
}

function answerTo(request: Request): Answer {
  switch (request.kind) {
    case 'loglikelihood':
      return { logprob: -request.context.length / 3, greedy: request.continuation === ' a', tokens: 1, truncated: 2 };
    case 'rolling':
      return { logprob: -0.1, tokens: request.text.length, truncated: 0 };
    case 'generate':
      return { text: `${request.context}\n"\u2028😀`, truncated: request.max_gen_toks };
  }
}

const ask = (context: string, continuation: string): Request => ({ kind: 'loglikelihood', context, continuation });
const generate = (some: object): Request => ({
  kind: 'generate',
  context: 'c',
  until: ['\n'],
  max_gen_toks: 4,
  temperature: 0,
  ...some,
});
const REQUESTS: readonly Request[] = [
  ask('one', ' a'),
  ask('one', ' b'),
  ask('on', 'e a'), // other borders, other requests
  { kind: 'rolling', text: 'one a' },
  { kind: 'rolling', text: '' },
  generate({}),
  generate({ until: [] }),
  generate({ max_gen_toks: 5 }),
  generate({ temperature: 0.5 }),
];

test('each request is asked once, in any order and company, and the answers are the same', async () => {
  const first = fake();
  const want = REQUESTS.map(answerTo);
  expect(await cached(first, file, 'm').answer(REQUESTS)).toEqual(want);
  expect(first.asked).toHaveLength(REQUESTS.length);
  const second = fake();
  const more = [ask('two', ' a'), ...[...REQUESTS].reverse()];
  const told: [number, Answer][] = [];
  const progress: number[] = [];
  const answers = await cached(second, file, 'm').answer(more, {
    onAnswer: (i, answer) => told.push([i, answer]),
    onProgress: (done, all) => progress.push(done / all),
  });
  expect(second.asked).toEqual([ask('two', ' a')]);
  expect(answers).toEqual(more.map(answerTo));
  expect(told.sort(([a], [b]) => a - b)).toEqual(answers.map((answer, i) => [i, answer]));
  expect(progress).toEqual([0.9, 1]);
});

test('another model, or another context length, is another key', async () => {
  await cached(fake(), file, 'm').answer(REQUESTS);
  for (const [answerer, key] of [
    [fake(), 'other'],
    [Object.assign(fake(), { n_ctx: 32 }), 'm'],
  ] as const) {
    await cached(answerer, file, key).answer(REQUESTS);
    expect(answerer.asked).toHaveLength(REQUESTS.length);
  }
  const same = fake();
  await cached(same, file, 'm').answer(REQUESTS);
  expect(same.asked).toEqual([]);
});

test('what was answered before a failure is not asked again', async () => {
  await expect(cached(fake(4), file, 'm').answer(REQUESTS)).rejects.toThrow('killed');
  const after = fake();
  expect(await cached(after, file, 'm').answer(REQUESTS)).toEqual(REQUESTS.map(answerTo));
  expect(after.asked).toHaveLength(REQUESTS.length - 4);
});

test('an abort reaches the answerer', async () => {
  const work = cached(fake(), file, 'm').answer(REQUESTS, { signal: AbortSignal.abort() });
  await expect(work).rejects.toMatchObject({ name: 'AbortError' });
});

test('a file cut at any byte loses at most the line that was cut', async () => {
  await cached(fake(), file, 'm').answer(REQUESTS);
  const whole = readFileSync(file);
  for (let size = 0; size < whole.length; size += 7) {
    writeFileSync(file, whole);
    truncateSync(file, size);
    // lines that are there as a whole, the last one too where only its end is missing
    const left = whole
      .subarray(0, size)
      .toString()
      .split('\n')
      .filter((line) => line.endsWith('}}')).length;
    const once = fake();
    expect(await cached(once, file, 'm').answer(REQUESTS)).toEqual(REQUESTS.map(answerTo));
    expect(once.asked).toHaveLength(REQUESTS.length - left);
    const twice = fake();
    await cached(twice, file, 'm').answer(REQUESTS);
    expect(twice.asked).toEqual([]);
  }
});

test('lines of anything else are not answers', async () => {
  await cached(fake(), file, 'm').answer(REQUESTS);
  const [, line] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, '');
  const { key } = JSON.parse(line!) as { key: string };
  for (const answer of [null, 1, {}, { logprob: null, tokens: 1, truncated: 0 }, { text: 3 }, { logprob: -1 }]) {
    appendFileSync(file, `${JSON.stringify({ key, answer })}\nnull\n[1]\n\0\0\n`);
  }
  const again = fake();
  await cached(again, file, 'm').answer(REQUESTS);
  expect(again.asked).toHaveLength(REQUESTS.length);
});

test('a file that cannot be used is an error that names it', async () => {
  await expect(cached(fake(), dir, 'm').answer(REQUESTS)).rejects.toThrow(DataError);
  await expect(cached(fake(), dir, 'm').answer(REQUESTS)).rejects.toThrow(dir);
  writeFileSync(path.join(dir, 'file'), '');
  await expect(cached(fake(), path.join(dir, 'file/answers'), 'm').answer(REQUESTS)).rejects.toThrow(DataError);
});

describe.skipIf(native === undefined)('the key of a model, on native', () => {
  test('differs with any weight, with shape, adapters and tokenizer; is the same for equal models', async () => {
    await tf.setBackend('native');
    const tokenizer = new ByteTokenizer();
    const key = (model: Gpt, some = tokenizer) => modelKey(model, some);
    const shape = smallModel('gpt2');
    const [a, b, seed, epsilon] = [
      new Gpt(shape, initialValues(shape, 1)),
      new Gpt(shape, initialValues(shape, 1)),
      new Gpt(shape, initialValues(shape, 2)),
      new Gpt({ ...shape, layer_norm_epsilon: 1e-3 }, initialValues(shape, 1)),
    ];
    const of = await key(a!);
    expect(of).toMatch(/^[0-9a-f]{64}$/);
    expect(await key(b!)).toBe(of);
    const others = [await key(seed!), await key(epsilon!)];
    others.push(await key(a!, Object.assign(new ByteTokenizer(), { fingerprint: 'other' })));
    const last = b!.parameters().at(-1)!.value;
    last.assign(tf.add(last, tf.oneHot(tf.scalar(last.size - 1, 'int32'), last.size)) as tf.Tensor);
    others.push(await key(b!));
    expect(new Set([of, ...others]).size).toBe(5);
    for (const model of [a, b, seed, epsilon]) model!.dispose();
  });
});
