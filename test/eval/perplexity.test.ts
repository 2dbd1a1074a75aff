// Perplexity against a plain computation from the model's logits, in float64.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silenced } from '../../src/base/silence.js';
import { tf } from '../../src/base/tf.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig } from '../../src/config/schema.js';
import { perplexity, scoreTokens, windowsOf } from '../../src/eval/perplexity.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';

const V = 11;
const EOT = 10;
const N_CTX = 8;
let model: Gpt;
beforeAll(async () => {
  await silenced(async () => {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose(); // prints a banner
  });
  const config = { n_ctx: N_CTX, n_layer: 2, n_head: 2, n_embd: 8, initializer_range: 0.5 };
  const shape = resolveModel(ModelConfig.parse(config), V);
  model = new Gpt(shape, initialValues(shape, 3));
});
afterAll(() => model.dispose());

const IDS = Int32Array.from({ length: 27 }, (_, i) => (i * i * 7 + i) % 10);

/** -ln p(target | context), from the logits after the context alone. */
function nll(context: readonly number[], target: number): number {
  const last = tf.tidy(() => {
    const ids = tf.tensor2d([...context], [1, context.length], 'int32');
    return model.logits(model.hidden(ids)).dataSync<'float32'>().slice(-V);
  });
  const top = Math.max(...last);
  return top + Math.log(last.reduce((sum, x) => sum + Math.exp(x - top), 0)) - last[target]!;
}

/** The text after end-of-text, each token with the context that `from` gives its position. */
function naive(ids: Int32Array, from: (position: number) => number): number {
  const all = [EOT, ...ids];
  let nats = 0;
  for (let i = 0; i < ids.length; i++) nats += nll(all.slice(from(i), i + 1), all[i + 1]!);
  return nats;
}

const score = (ids: Int32Array, stride: number, batch: number) =>
  scoreTokens(model, ids, { eot: EOT, windows: windowsOf(ids.length, N_CTX, stride), batch });

test('disjoint windows: each token with the context of its own window', async () => {
  const want = naive(IDS, (i) => i - (i % N_CTX));
  for (const batch of [1, 2, 100]) {
    const { nats, tokens } = await score(IDS, N_CTX, batch);
    expect(tokens).toBe(27);
    expect(nats).toBeCloseTo(want, 3);
  }
});

test('stride 1: each token with all the context that fits', async () => {
  const { nats, tokens } = await score(IDS, 1, 4);
  expect(tokens).toBe(27);
  expect(nats).toBeCloseTo(
    naive(IDS, (i) => Math.max(0, i + 1 - N_CTX)),
    3,
  );
});

test('stride 3: at least n_ctx - 3 tokens of context', async () => {
  // windows start at 0, 3, 6, ...; the first scores all, each later one the last three
  const start = (i: number) => (i < N_CTX ? 0 : 3 * Math.ceil((i + 1 - N_CTX) / 3));
  expect((await score(IDS, 3, 2)).nats).toBeCloseTo(naive(IDS, start), 3);
});

test('a text shorter than a window, and one token', async () => {
  for (const length of [1, 5, N_CTX, N_CTX + 1]) {
    const ids = IDS.slice(0, length);
    const { nats, tokens } = await score(ids, N_CTX, 3);
    expect(tokens).toBe(length);
    expect(nats).toBeCloseTo(
      naive(ids, (i) => i - (i % N_CTX)),
      3,
    );
  }
});

test('no tensor is left behind', async () => {
  const before = tf.memory().numTensors;
  await score(IDS, 3, 2);
  expect(tf.memory().numTensors).toBe(before);
});

test('every prediction is in exactly one window, and no window is longer than the context', () => {
  const wrong: string[] = [];
  for (let tokens = 1; tokens < 40; tokens++) {
    for (let stride = 1; stride <= N_CTX; stride++) {
      const scored = windowsOf(tokens, N_CTX, stride).flatMap((w) => {
        if (w.length > N_CTX || w.start + w.length > tokens) wrong.push(`${tokens}/${stride}: ${JSON.stringify(w)}`);
        return Array.from({ length: w.length - w.score }, (_, i) => w.start + w.score + i);
      });
      if (scored.join() !== Array.from({ length: tokens }, (_, i) => i).join()) wrong.push(`${tokens}/${stride}`);
    }
  }
  expect(wrong).toEqual([]);
});

describe('definitions', () => {
  test('per token, word, byte, and bits per byte', () => {
    const nats = 12 * Math.log(4); // 12 tokens at probability 1/4: 24 bits
    const result = perplexity({ nats, tokens: 12 }, { words: 3, bytes: 24 });
    expect(result.loss).toBeCloseTo(Math.log(4), 12);
    expect(result.token_perplexity).toBeCloseTo(4, 12);
    expect(result.word_perplexity).toBeCloseTo(4 ** 4, 9);
    expect(result.byte_perplexity).toBeCloseTo(2, 12);
    expect(result.bits_per_byte).toBeCloseTo(1, 12);
  });

  test('nothing to divide by', () => {
    const result = perplexity({ nats: 1, tokens: 1 }, { words: 0, bytes: 0 });
    expect(result).toMatchObject({ word_perplexity: null, byte_perplexity: null, bits_per_byte: null });
  });
});
