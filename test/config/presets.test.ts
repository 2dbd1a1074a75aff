// Every preset loads, has the size that the papers give it, and survives printing. The counts are the table's, written
// out: a formula here would repeat the mistake of the one under test.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { countParameters } from '../../src/config/arithmetic.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { RunConfig } from '../../src/config/schema.js';

/** Sizes of the tokenizers of presets that leave model.vocab_size open. */
const TOKENS: Record<string, number> = { quickstart: 2048, shakespeare: 66, 'shakespeare-nanogpt': 66 };

const PARAMETERS: Record<string, number> = {
  quickstart: 2_209_920,
  mini: 10_844_160,
  shakespeare: 3_209_216,
  'shakespeare-nanogpt': 809_984,
  gpt1: 116_534_784,
  'gpt2-124m': 124_439_808,
  'gpt2-355m': 354_823_168,
  'gpt2-774m': 774_030_080,
  'gpt2-1558m': 1_557_611_200,
  'gpt3-125m': 125_226_240,
  'gpt3-350m': 355_871_744,
  'gpt3-760m': 760_300_032,
  'gpt3-1.3b': 1_315_723_264,
  'gpt3-2.7b': 2_651_553_280,
  'gpt3-6.7b': 6_658_404_352,
  'gpt3-13b': 12_853_386_240,
  'gpt3-175b': 174_604_259_328,
};

/** Layers, width, heads, learning rate, batch in units of n_ctx: as printed, the two misprints of GPT-3's table resolved. */
const PAPER: Record<string, [n_layer: number, n_embd: number, n_head: number, sequences: number, rate?: number]> = {
  gpt1: [12, 768, 12, 64, 2.5e-4],
  'gpt2-124m': [12, 768, 12, 512],
  'gpt2-355m': [24, 1024, 16, 512],
  'gpt2-774m': [36, 1280, 20, 512],
  'gpt2-1558m': [48, 1600, 25, 512],
  'gpt3-125m': [12, 768, 12, 256, 6e-4],
  'gpt3-350m': [24, 1024, 16, 256, 3e-4],
  'gpt3-760m': [24, 1536, 16, 256, 2.5e-4],
  'gpt3-1.3b': [24, 2048, 16, 512, 2e-4],
  'gpt3-2.7b': [32, 2560, 32, 512, 1.6e-4],
  'gpt3-6.7b': [32, 4096, 32, 1024, 1.2e-4],
  'gpt3-13b': [40, 5120, 40, 1024, 1e-4],
  'gpt3-175b': [96, 12288, 96, 1560, 0.6e-4],
};

const folder = fileURLToPath(new URL('../../configs/', import.meta.url));
const load = (name: string, portable = false) => loadConfig({ file: name, flags: [], portable });

test('every file of configs/ is in the table', () => {
  const files = readdirSync(folder).filter((f) => f.endsWith('.yaml'));
  expect(files.map((f) => f.replace('.yaml', '')).sort()).toEqual(Object.keys(PARAMETERS).sort());
});

describe.each(Object.entries(PARAMETERS))('%s', (name, parameters) => {
  test('has the parameters of the table', () => {
    const { model } = load(name).run;
    expect(countParameters(resolveModel(model, model.vocab_size ?? TOKENS[name]!))).toBe(parameters);
    const text = readFileSync(`${folder}${name}.yaml`, 'utf8');
    expect(text).toContain(`-> ${parameters.toLocaleString('en-US')} parameters`);
  });

  test('prints YAML that loads to the same run', () => {
    for (const portable of [false, true]) {
      const loaded = load(name, portable);
      expect(RunConfig.parse(parse(loaded.print()))).toEqual(loaded.run);
    }
  });

  test('explains every key that it sets', () => {
    const lines = readFileSync(`${folder}${name}.yaml`, 'utf8').split('\n');
    expect(lines.filter((l) => /^\s+\w+: /.test(l) && !/ # \S/.test(l))).toEqual([]);
  });
});

test.each(Object.entries(PAPER))('%s has the shape and batch of its paper', (name, [L, C, H, sequences, rate]) => {
  const { model, train } = load(name).run;
  expect([model.n_layer, model.n_embd, model.n_head]).toEqual([L, C, H]);
  expect(train.batch_tokens / model.n_ctx).toBe(sequences);
  if (rate !== undefined) expect(train.learning_rate).toBe(rate);
});

test('the portable quickstart is a much smaller model', () => {
  const { model, train } = load('quickstart', true).run;
  expect(countParameters(resolveModel(model, TOKENS['quickstart']!))).toBe(235_264);
  expect(train.max_steps).toBeLessThan(load('quickstart').run.train.max_steps!);
});

describe.each([
  ['icl/small', 320_560],
  ['icl/medium', 1_006_080],
  ['icl/large', 3_136_128],
])('%s', (name, parameters) => {
  const file = `${folder}${name}.yaml`;

  test('has the parameters that it states, with the 28 characters of its text and end-of-text', () => {
    expect(countParameters(resolveModel(loadConfig({ file, flags: [] }).run.model, 29))).toBe(parameters);
    expect(readFileSync(file, 'utf8')).toContain(`-> ${parameters.toLocaleString('en-US')} parameters`);
  });

  test('trains on answers in documents, by the schedule of the smallest', () => {
    const { data, train } = loadConfig({ file, flags: [] }).run;
    expect(data).toMatchObject({ sequences: 'documents', loss: 'answers', answer_start: '>', answer_end: '\n' });
    const small = loadConfig({ file: `${folder}icl/small.yaml`, flags: [] }).run.train;
    expect(train).toEqual({ ...small, learning_rate: train.learning_rate });
  });
});
