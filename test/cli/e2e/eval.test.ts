// `gpt eval`: the numbers of test/eval/perplexity.test.ts, from a trained checkpoint and files.

import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silenced } from '../../../src/base/silence.js';
import { tf } from '../../../src/base/tf.js';
import { loadCheckpoint } from '../../../src/checkpoint/store.js';
import { Gpt } from '../../../src/model/gpt.js';
import { BACKEND, complaint, story, Workplace } from './gpt.js';

const place = new Workplace();
beforeAll(() => place.train('run', '--train.max_steps', '60'));
afterAll(() => place.remove());

const N_CTX = 32;
const EOT = 256;
const evaluate = (...more: string[]) => place.gpt(['eval', 'run', '--backend', BACKEND, ...more]);

interface Result {
  readonly documents: number;
  readonly tokens: number;
  readonly words: number;
  readonly bytes: number;
  readonly nats: number;
  readonly loss: number;
  readonly token_perplexity: number;
  readonly word_perplexity: number;
  readonly byte_perplexity: number;
  readonly bits_per_byte: number;
  readonly definitions: Record<string, string>;
}

async function result(...more: string[]): Promise<Result> {
  const { code, stdout, stderr } = await evaluate('--json', ...more);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Result;
}

/** Sum of -ln p of the bytes of a text after end-of-text, by disjoint windows, from the logits; on the cpu backend. */
async function naive(text: string): Promise<number> {
  await silenced(async () => {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose(); // prints a banner
  });
  const checkpoint = loadCheckpoint(place.path('run'), 'best');
  const model = new Gpt(checkpoint.model, checkpoint.tensors);
  checkpoint.close();
  const ids = [EOT, ...Buffer.from(text)];
  let nats = 0;
  for (let start = 0; start + 1 < ids.length; start += N_CTX) {
    const window = ids.slice(start, Math.min(start + N_CTX, ids.length - 1));
    const logits = tf.tidy(() => model.logits(model.hidden(tf.tensor2d(window, [1, window.length], 'int32'))));
    const rows = logits.dataSync<'float32'>();
    logits.dispose();
    const V = rows.length / window.length;
    for (let i = 0; i < window.length; i++) {
      const row = rows.subarray(i * V, (i + 1) * V);
      const top = Math.max(...row);
      nats += top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) - row[ids[start + i + 1]!]!;
    }
  }
  model.dispose();
  return nats;
}

test('disjoint windows are a plain sum over the logits; words and bytes are those of the text', async () => {
  const text = `${story(12)}\nÄ  word\n`;
  place.write('held.txt', text);
  const r = await result('--data', 'held.txt');
  expect(r).toMatchObject({ documents: 1, tokens: Buffer.byteLength(text), bytes: Buffer.byteLength(text) });
  expect(r.words).toBe(text.trim().split(/\s+/).length);
  expect(r.nats / (await naive(text))).toBeCloseTo(1, 5);
  expect(r.loss).toBeCloseTo(r.nats / r.tokens, 10);
  expect(r.token_perplexity).toBeCloseTo(Math.exp(r.nats / r.tokens), 8);
  expect(r.word_perplexity / Math.exp(r.nats / r.words)).toBeCloseTo(1, 8);
  expect(r.byte_perplexity).toBeCloseTo(Math.exp(r.nats / r.bytes), 8);
  expect(r.bits_per_byte).toBeCloseTo(r.nats / r.bytes / Math.log(2), 8);
  expect(Object.keys(r.definitions)).toEqual([
    'token_perplexity',
    'word_perplexity',
    'byte_perplexity',
    'bits_per_byte',
  ]);
});

test('documents are scored apart, and a small stride scores the same tokens', async () => {
  place.write('rows.jsonl', `{"body":${JSON.stringify(story(3))}}\n{"body":"The cat slept."}\n`);
  const rows = await result('--data', 'rows.jsonl', '--text-key', 'body');
  expect(rows.documents).toBe(2);
  const strided = await result('--data', 'rows.jsonl', '--text-key', 'body', '--stride', '4', '--batch', '3');
  expect(strided.tokens).toBe(rows.tokens);
  expect(strided.nats).not.toBe(rows.nats);
  expect(strided.loss).toBeLessThan(rows.loss + 0.3);
});

test('as text: each measure with its definition', async () => {
  place.write('short.txt', 'The owl saw a boat and sang.');
  const { stdout } = await evaluate('--data', 'short.txt');
  for (const line of [/^perplexity +\S+ +exp\(/m, /^word perplexity /m, /^byte perplexity /m, /^bits per byte /m]) {
    expect(stdout).toMatch(line);
  }
  expect(stdout).toContain('disjoint windows of 32');
});

test('without --data: the held-out part of the run, with the loss of its last validation', async () => {
  const r = await result();
  expect(r.bytes).toBe(place.events('run', 'start')[0]!.data.val_bytes);
  expect(Math.abs(r.loss - place.events('run', 'val').at(-1)!.loss)).toBeLessThan(0.1); // other windows
});

test('rolling windows: the last one is full, so that its tokens have more context', async () => {
  place.write('rolling.txt', story(40).slice(0, 3 * N_CTX + 5)); // bytes are tokens
  const rule = (window: string) => result('--data', 'rolling.txt', '--window', window);
  const [disjoint, rolling] = [await rule('disjoint'), await rule('rolling')];
  expect(rolling).toMatchObject({ tokens: 3 * N_CTX + 5, window: { rule: 'rolling' } });
  expect(rolling.nats).not.toBe(disjoint.nats);
  place.write('full.txt', story(40).slice(0, 3 * N_CTX)); // where windows come out even the rules are the same
  const even = (window: string) => result('--data', 'full.txt', '--window', window);
  expect((await even('rolling')).nats).toBe((await even('disjoint')).nats);
});

test("words and bytes of a de-tokenized text are the original's", async () => {
  place.write('wiki.txt', 'the old dog , the well @-@ known dog .');
  const plain = await result('--data', 'wiki.txt');
  const detokenized = await result('--data', 'wiki.txt', '--detokenize', 'wikitext');
  expect([detokenized.words, detokenized.bytes]).toEqual([plain.words, plain.bytes]);
  expect(detokenized.tokens).toBeLessThan(plain.tokens);
});

describe('refusals', () => {
  test.each([
    [['--data', 'absent.txt'], 4, 'absent.txt'],
    [['--data', 'short.txt', '--stride', '0'], 2, '--stride'],
    [['--data', 'rows.jsonl', '--text-key', 'nothing'], 4, 'nothing'],
    [['--data', 'short.txt', '--window', 'strided'], 2, '--stride'],
    [['--data', 'short.txt', '--window', 'rolling', '--stride', '8'], 2, 'rolling'],
  ])('%j', async (args, code, named) => {
    expect(complaint(await evaluate(...args))).toMatchObject({
      code,
      wellFormed: true,
      text: expect.stringContaining(named),
    });
  });

  test('an empty text', async () => {
    place.write('empty.txt', '');
    expect(complaint(await evaluate('--data', 'empty.txt'))).toMatchObject({
      code: 4,
      wellFormed: true,
      text: expect.stringContaining('empty.txt'),
    });
  });

  test('a folder without a run, asked for its held-out part', async () => {
    cpSync(place.path('run/step-000060'), place.path('hf'), {
      recursive: true,
      filter: (name) => !name.endsWith('trainer'),
    });
    const ended = await place.gpt(['eval', 'hf', '--backend', BACKEND]);
    expect(complaint(ended)).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining('--data') });
  });
});
