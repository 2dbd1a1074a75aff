// Parameters and operations against the figures of the papers' tables, to the digits that are printed there.

import { describe, expect, test } from 'vitest';
import {
  countMatrixParameters,
  countParameters,
  exactFlopsPerToken,
  flopsPerToken,
} from '../../src/config/arithmetic.js';
import { loadConfig } from '../../src/config/load.js';
import { type ResolvedModel, resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig } from '../../src/config/schema.js';

function preset(name: string, changes: Partial<ResolvedModel> = {}): ResolvedModel {
  const { model } = loadConfig({ file: name, flags: [] }).run;
  return { ...resolveModel(model, model.vocab_size!), ...changes };
}

const dense = (name: string): ResolvedModel => {
  const model = preset(name);
  return { ...model, attention_layers: model.attention_layers.map(() => 'global') };
};

describe('parameters', () => {
  test('the MLP width counts', () => {
    // Per layer: 2 C F + F of the two matrices and the first bias.
    expect(countParameters(preset('mini', { n_inner: 100 }))).toBe(10_844_160 - 6 * (1536 - 100) * (2 * 384 + 1));
  });

  test('matrices of GPT-2 124M', () => {
    expect(countMatrixParameters(preset('gpt2-124m'))).toBe(123_532_032);
  });
});

describe('FLOPs per token, forward and backward', () => {
  const TABLE: [name: string, full: string, causal: string][] = [
    ['gpt1', '7.528e+8', '7.245e+8'],
    ['gpt2-124m', '8.544e+8', '7.979e+8'],
    ['gpt2-355m', '2.423e+9', '2.272e+9'],
    ['gpt2-774m', '5.199e+9', '4.916e+9'],
    ['gpt2-1558m', '1.027e+10', '9.802e+9'],
    ['gpt3-125m', '9.677e+8', '8.545e+8'],
    ['gpt3-1.3b', '9.073e+9', '8.470e+9'],
    ['gpt3-6.7b', '4.311e+10', '4.150e+10'],
    ['gpt3-175b', '1.076e+12', '1.062e+12'],
  ];

  test.each(TABLE)('%s, exact, all layers dense', (name, full, causal) => {
    const model = dense(name);
    const T = model.n_ctx;
    expect(exactFlopsPerToken(model, T, { causal: false, backward: true }).toExponential(3)).toBe(full);
    expect(exactFlopsPerToken(model, T, { causal: true, backward: true }).toExponential(3)).toBe(causal);
  });

  test('the two conventions of GPT-2 124M', () => {
    const model = preset('gpt2-124m');
    // 6 * 124,439,808 + 6 * 12 * 1024 * 768, and 6 * (124,439,808 - 1024 * 768) + 12 * 12 * 1024 * 768
    expect(flopsPerToken(model, 1024, { causal: true, backward: true })).toBe(803_261_952);
    expect(flopsPerToken(model, 1024, { causal: false, backward: true })).toBe(855_166_464);
    expect(flopsPerToken(model, 1024, { causal: true, backward: false })).toBeCloseTo(803_261_952 / 3, 0);
  });

  test('a band is counted by the keys that it lets through', () => {
    const T = 16;
    const w = 5;
    const model = preset('gpt3-125m', { attention_layers: ['local'], n_layer: 1, window_size: w });
    const without = 6 * countMatrixParameters(model);
    let keys = 0;
    for (let i = 0; i < T; i++) keys += Math.min(i + 1, w);
    const exact = exactFlopsPerToken(model, T, { causal: true, backward: true });
    expect(exact - without).toBeCloseTo((12 * model.n_embd * keys) / T, 6);
  });

  test('a band as wide as the context costs what dense attention costs', () => {
    const wide = preset('gpt3-125m', { window_size: 4096 });
    for (const f of [flopsPerToken, exactFlopsPerToken]) {
      const options = { causal: true, backward: true };
      expect(f(wide, 2048, options)).toBeCloseTo(f(dense('gpt3-125m'), 2048, options), 3);
      expect(f(preset('gpt3-125m'), 2048, options)).toBeLessThan(f(wide, 2048, options));
    }
  });
});

describe('resolveModel', () => {
  const resolve = (input: object, vocab = 257) => resolveModel(ModelConfig.parse(input), vocab);

  test('fills in vocabulary, MLP width and attention', () => {
    const model = resolve({ arch: 'gpt3', n_layer: 3, n_embd: 8, n_head: 2 });
    expect(model.vocab_size).toBe(257);
    expect(model.n_inner).toBe(32);
    expect(model.attention_layers).toEqual(['global', 'local', 'global']);
    expect(resolve({ n_layer: 2 }).attention_layers).toEqual(['global', 'global']);
    expect(resolve({ n_layer: 2, attention_layers: ['local'], n_inner: 5 })).toMatchObject({
      attention_layers: ['local', 'local'],
      n_inner: 5,
    });
  });

  test("refuses a vocabulary that is not the tokenizer's", () => {
    expect(() => resolve({ vocab_size: 256 })).toThrow(
      "model.vocab_size is 256, smaller than the tokenizer's 257 tokens",
    );
    expect(() => resolve({ vocab_size: 300 })).toThrow('larger than');
    expect(resolve({ vocab_size: 257 }).vocab_size).toBe(257);
  });
});
