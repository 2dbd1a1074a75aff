import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { toHfConfig } from '../../src/checkpoint/hf.js';
import {
  foldHeadBias,
  type Head,
  lastNormBias,
  notASequenceClassifier,
  sequenceClassifierTensors,
  toSequenceClassifierConfig,
  writeClassifierFolder,
} from '../../src/checkpoint/hf_classifier.js';
import { openSafetensors } from '../../src/checkpoint/safetensors.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';

// A vocabulary of 11 and the three tokens of a task.
const gpt2: ResolvedModel = { ...tinyModel, vocab_size: 14 };
const gpt1: ResolvedModel = { ...gpt2, arch: 'gpt1', n_layer: 2, attention_layers: ['global', 'global'] };

const wave = (length: number, seed: number, scale = 1) =>
  Float32Array.from({ length }, (_, i) => scale * Math.sin(1 + seed + 1.7 * i * (1 + (i % 3))));
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const tensorsOf = (model: ResolvedModel) =>
  new Map([...parameterShapes(model)].map(([name, shape], k) => [name, () => wave(size(shape), k)]));
const headOf = (C: number, K: number): Head => ({ weight: wave(C * K, 40, 0.02), bias: wave(K, 41, 0.1) });

/** logits (K) of a normalised vector z (C) in float64: (z g + l) W + b, with W (C,K). */
function logits(z: Float32Array, g: Float32Array, l: Float32Array, { weight, bias }: Head): number[] {
  const K = bias.length;
  return Array.from(bias, (b, k) => z.reduce((sum, x, c) => sum + (x * g[c]! + l[c]!) * weight[c * K + k]!, b));
}

/** The same as transformers has it: score (K,C) and no bias. */
function scores(z: Float32Array, g: Float32Array, l: Float32Array, score: Float32Array): number[] {
  const C = z.length;
  return Array.from({ length: score.length / C }, (_, k) =>
    z.reduce((sum, x, c) => sum + (x * g[c]! + l[c]!) * score[k * C + c]!, 0),
  );
}

describe("the head's bias in the last layer norm", () => {
  test.each([1, 2, 3, 5])('%i outputs: the logits agree', (K) => {
    const C = 32;
    const head = headOf(C, K);
    const l = wave(C, 7, 0.3);
    const folded = foldHeadBias(l, head);
    const none: Head = { weight: head.weight, bias: new Float32Array(K) };
    for (const seed of [1, 2, 3]) {
      const z = wave(C, 50 + seed);
      const expected = logits(z, wave(C, 6), l, head);
      const unfolded = logits(z, wave(C, 6), l, none);
      for (const [k, value] of logits(z, wave(C, 6), folded, none).entries()) {
        expect(Math.abs(value - expected[k]!)).toBeLessThan(1e-6); // l' is stored in float32
        expect(Math.abs(unfolded[k]! - expected[k]!)).toBeGreaterThan(1e-3);
      }
    }
  });

  test('the change is the smallest one: a combination of the columns of W', () => {
    // W = [[2], [0]], b = 3: only the first component moves, by 3 / 2.
    expect([
      ...foldHeadBias(Float32Array.of(1, 1), { weight: Float32Array.of(2, 0), bias: Float32Array.of(3) }),
    ]).toEqual([2.5, 1]);
  });

  test('no bias, no change, whatever W', () => {
    const l = wave(4, 1);
    const folded = foldHeadBias(l, { weight: new Float32Array(8), bias: new Float32Array(2) });
    expect(folded).toEqual(l);
    expect(folded).not.toBe(l);
  });

  test.each([
    ['two equal columns', 4, 2, Float32Array.of(1, 1, 2, 2, 3, 3, 4, 4)],
    ['more classes than width', 2, 3, Float32Array.of(1, 2, 3, 4, 5, 7)],
    ['a weight of zero', 4, 2, new Float32Array(8)],
    ['a weight that is no number', 4, 2, new Float32Array(8).fill(NaN)],
  ])('%s: refused', (_, C, K, weight) => {
    const fold = () =>
      foldHeadBias(new Float32Array(C), { weight, bias: Float32Array.from({ length: K }, (_, k) => k + 1) });
    expect(fold).toThrow(DataError);
    expect(fold).toThrow(
      `the head's bias cannot be folded into a layer norm: its weight (${C}, ${K}) has dependent columns`,
    );
  });
});

describe('the state dict', () => {
  test('GPT-2: exactly the keys and shapes of GPT2ForSequenceClassification', () => {
    const found = sequenceClassifierTensors(gpt2, tensorsOf(gpt2), headOf(4, 3));
    expect(found.map(({ name, shape }) => [name, shape])).toEqual([
      ['transformer.wte.weight', [14, 4]],
      ['transformer.wpe.weight', [8, 4]],
      ['transformer.h.0.ln_1.weight', [4]],
      ['transformer.h.0.ln_1.bias', [4]],
      ['transformer.h.0.attn.c_attn.weight', [4, 12]],
      ['transformer.h.0.attn.c_attn.bias', [12]],
      ['transformer.h.0.attn.c_proj.weight', [4, 4]],
      ['transformer.h.0.attn.c_proj.bias', [4]],
      ['transformer.h.0.ln_2.weight', [4]],
      ['transformer.h.0.ln_2.bias', [4]],
      ['transformer.h.0.mlp.c_fc.weight', [4, 16]],
      ['transformer.h.0.mlp.c_fc.bias', [16]],
      ['transformer.h.0.mlp.c_proj.weight', [16, 4]],
      ['transformer.h.0.mlp.c_proj.bias', [4]],
      ['transformer.ln_f.weight', [4]],
      ['transformer.ln_f.bias', [4]],
      ['score.weight', [3, 4]],
    ]);
  });

  test.each([
    ['gpt2', gpt2, 'transformer.ln_f'],
    ['gpt1', gpt1, 'transformer.h.1.ln_2'],
  ])('%s: only the bias of the last norm differs, and the logits agree', (_, model, norm) => {
    const C = model.n_embd;
    const tensors = tensorsOf(model);
    const head = headOf(C, 2);
    const found = new Map(sequenceClassifierTensors(model, tensors, head).map(({ name, read }) => [name, read()]));
    expect(lastNormBias(model)).toBe(`${norm}.bias`);
    const changed = [...tensors].filter(
      ([name, read]) => !Buffer.from(found.get(name)!.buffer).equals(Buffer.from(read().buffer)),
    );
    expect(changed.map(([name]) => name)).toEqual([`${norm}.bias`]);
    const z = wave(C, 60);
    const g = tensors.get(`${norm}.weight`)!();
    const theirs = scores(z, g, found.get(`${norm}.bias`)!, found.get('score.weight')!);
    for (const [k, value] of logits(z, g, tensors.get(`${norm}.bias`)!(), head).entries()) {
      expect(Math.abs(theirs[k]! - value)).toBeLessThan(1e-6);
    }
  });
});

describe('config.json', () => {
  test('classes', () => {
    const lm = toHfConfig(gpt2, 10);
    const labels = ['entailment', 'neutral', 'contradiction'];
    expect(toSequenceClassifierConfig(lm, { labels, padId: 10 })).toEqual({
      ...lm,
      architectures: ['GPT2ForSequenceClassification'],
      vocab_size: 14,
      id2label: { '0': 'entailment', '1': 'neutral', '2': 'contradiction' },
      label2id: { entailment: 0, neutral: 1, contradiction: 2 },
      problem_type: 'single_label_classification',
      pad_token_id: 10,
    });
  });

  test('a score: one output', () => {
    expect(toSequenceClassifierConfig(toHfConfig(gpt1, 10), { labels: null, padId: 10 })).toMatchObject({
      architectures: ['OpenAIGPTForSequenceClassification'],
      id2label: { '0': 'score' },
      label2id: { score: 0 },
      problem_type: 'regression',
    });
  });
});

test('which tasks are one head over one sequence', () => {
  const reason = (
    form: Parameters<typeof notASequenceClassifier>[0]['form'],
    readout: 'pair' | 'cosine' | null = null,
  ) => notASequenceClassifier({ form, readout });
  expect(reason('classification')).toBeNull();
  expect(reason('entailment')).toBeNull();
  expect(reason('similarity', 'pair')).toContain('adds the representations of both orders');
  expect(reason('similarity', 'cosine')).toContain('compares two sequences and has no head');
  expect(reason('multiple-choice')).toContain('scores each answer in a sequence of its own');
});

describe('the folder', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'gpt-classifier-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const write = (head: Head) =>
    writeClassifierFolder(
      join(dir, 'out'),
      { model: gpt2, eot: 10, tensors: tensorsOf(gpt2) },
      head,
      { labels: ['no', 'yes'], padId: 10 },
      { dtype: 'float32', tokenizerFiles: new Map([['tokenizer.json', '{}']]) },
    );

  test('config, weights and tokenizer, and nothing that generates', async () => {
    const head = headOf(4, 2);
    await write(head);
    expect(readdirSync(join(dir, 'out')).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(JSON.parse(readFileSync(join(dir, 'out', 'config.json'), 'utf8'))).toMatchObject({
      architectures: ['GPT2ForSequenceClassification'],
      id2label: { '0': 'no', '1': 'yes' },
      torch_dtype: 'float32',
    });
    const file = openSafetensors(join(dir, 'out', 'model.safetensors'));
    const expected = sequenceClassifierTensors(gpt2, tensorsOf(gpt2), head);
    expect([...file.names].sort()).toEqual(expected.map(({ name }) => name).sort());
    for (const { name, read } of expected) expect(file.readFloat32(name)).toEqual(read());
    // (C,K) by rows became (K,C): the first class is the first column.
    expect([...file.readFloat32('score.weight').slice(0, 4)]).toEqual([0, 2, 4, 6].map((i) => head.weight[i]));
    file.close();
  });

  test('nothing is left of a head that cannot be folded', async () => {
    await expect(write({ weight: new Float32Array(8), bias: Float32Array.of(0, 1) })).rejects.toThrow(DataError);
    expect(readdirSync(dir)).toEqual([]);
  });
});
