// Perplexity against a plain computation from the model's logits, and real text against a model in float64.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silenced } from '../../src/base/silence.js';
import { tf } from '../../src/base/tf.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig } from '../../src/config/schema.js';
import { perplexity, rollingWindows, scoreTokens, type Window, windowsOf } from '../../src/eval/perplexity.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { CharVocabulary } from '../../src/tokenizer/char.js';
import { erf, Float64Gpt } from '../model/float64.js';
import { FOLDERS, modelOf } from '../model/reference.js';
import { native } from '../ops/parity.js';

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

describe("rolling windows are lm-evaluation-harness's", () => {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const golden = JSON.parse(readFileSync(path.join(here, 'fixtures/rolling_windows.json'), 'utf8')) as {
    n: number;
    max_seq_len: number;
    prefix: number;
    windows: [context: number[], continuation: number[]][];
  }[];
  test.each(golden)('$n tokens, context of $max_seq_len', ({ n, max_seq_len, prefix, windows }) => {
    const all = [prefix, ...Array.from({ length: n }, (_, i) => i)];
    const got = rollingWindows(n, max_seq_len).map(({ start, length, score }) => {
      const end = start + length + 1;
      return [all.slice(start, start + score + 1), all.slice(start + score + 1, end)];
    });
    expect(got).toEqual(windows);
  });
});

describe('real text', () => {
  const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
  const wikitext = path.join(root, '../shared/data/wikitext2/test.txt');
  const real = existsSync(wikitext);
  const file = real ? wikitext : path.join(root, 'data/stories/stories.jsonl');
  const text = readFileSync(file, 'utf8').slice(0, 411);
  const vocabulary = new CharVocabulary();
  vocabulary.add(text);
  const tokenizer = vocabulary.tokenizer();
  const ids = tokenizer.encode(text);
  const words = { words: text.trim().split(/\s+/).length, bytes: Buffer.byteLength(text) };

  const title = real ? 'WikiText-2' : 'stories (WikiText-2: skipped, ../shared/data is not here)';
  const families = FOLDERS.map((folder) => [path.basename(folder), folder] as const);
  describe.each(['native', 'cpu'])(`${title}, on %s`, (backend) => {
    test.skipIf(backend === 'native' && native === undefined).each(families)(
      '%s by the three rules equals float64 to 1e-6',
      async (_, folder) => {
        await tf.setBackend(backend);
        const plain = new Float64Gpt(folder);
        const { n_ctx } = plain.config;
        const fixture = modelOf(folder);
        const all = [tokenizer.eot, ...ids];
        const rules: Record<string, readonly Window[]> = {
          disjoint: windowsOf(ids.length, n_ctx, n_ctx),
          strided: windowsOf(ids.length, n_ctx, Math.floor(n_ctx / 2) - 1),
          rolling: rollingWindows(ids.length, n_ctx),
        };
        const perplexities = new Set<number>();
        for (const [rule, windows] of Object.entries(rules)) {
          let nats = 0;
          for (const { start, length, score } of windows) {
            nats += plain
              .nll(all.slice(start, start + length + 1))
              .slice(score)
              .reduce((a, b) => a + b);
          }
          const want = perplexity({ nats, tokens: ids.length }, words);
          const got = perplexity(await scoreTokens(fixture, ids, { eot: tokenizer.eot, windows, batch: 7 }), words);
          for (const [name, value] of Object.entries(want)) {
            // exp(NLL / words) has as many times the relative error of the exponent as that is large
            const scale = name === 'word_perplexity' ? nats / words.words : 1;
            const error = Math.abs(got[name as keyof typeof got]! / value! - 1) / Math.max(1, scale);
            expect(error, `${rule}: ${name}`).toBeLessThan(1e-6);
          }
          perplexities.add(want.token_perplexity);
        }
        expect(perplexities.size).toBe(3);
        fixture.dispose();
      },
    );
  });

  test('its error function', () => {
    // scipy.special.erf
    for (const [x, y] of [
      [0, 0],
      [0.5, 0.5204998778130465],
      [-1, -0.8427007929497148],
      [3, 0.9999779095030014],
      [5, 0.9999999999984626],
      [9, 1],
    ] as const) {
      expect(Math.abs(erf(x) - y)).toBeLessThan(1e-15);
    }
  });
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
