import { describe, expect, test } from 'vitest';
import type { DType } from '../../src/base/array.js';
import { DataError } from '../../src/base/errors.js';
import { matchTensors, readers, reportLine, type StoredTensors } from '../../src/checkpoint/tensor_report.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';

const MODEL = { ...tinyModel, n_layer: 4, attention_layers: new Array(4).fill('global') };
const SHAPES = parameterShapes(MODEL);
const WTE = 'transformer.wte.weight';

type Tensors = Map<string, { dtype: DType; shape: readonly number[]; values: Float32Array<ArrayBuffer> }>;

function whole(): Tensors {
  return new Map(
    [...SHAPES].map(([name, shape], k) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => k + i / 1000);
      return [name, { dtype: 'F32' as const, shape, values }];
    }),
  );
}

const stored = (tensors: Tensors): StoredTensors => ({
  path: 'model.x',
  names: [...tensors.keys()],
  info: (name) => tensors.get(name)!,
  readFloat32: (name) => tensors.get(name)!.values,
  close: () => {},
});

const match = (change: (tensors: Tensors) => void) => {
  const tensors = whole();
  change(tensors);
  return matchTensors(stored(tensors), SHAPES, { fix: 'fix' });
};

test('used with names, shapes and types; ignored with the reason', () => {
  const report = match((tensors) => {
    const wpe = tensors.get('transformer.wpe.weight')!;
    tensors.delete('transformer.wpe.weight');
    tensors.set('wpe.weight', { ...wpe, dtype: 'BF16' });
    for (const layer of [0, 1]) {
      tensors.set(`transformer.h.${layer}.attn.bias`, { dtype: 'U8', shape: [1, 1, 8, 8], values: new Float32Array() });
    }
    tensors.set('h.0.attn.masked_bias', { dtype: 'F32', shape: [], values: new Float32Array(1) });
    tensors.set('position_ids', { dtype: 'I64', shape: [8], values: new Float32Array() });
    tensors.set('score.weight', { dtype: 'F32', shape: [2, 4], values: new Float32Array(8) });
    tensors.set('lm_head.weight', tensors.get(WTE)!);
  });
  expect(report.used.map(({ parameter }) => parameter)).toEqual([...SHAPES.keys()]);
  expect(report.used[1]).toEqual({
    ...{ name: 'wpe.weight', parameter: 'transformer.wpe.weight', shape: [8, 4], dtype: 'BF16', transposed: false },
  });
  expect(report.ignored.map(({ name, why }) => [name, why])).toEqual([
    ['transformer.h.0.attn.bias', 'causal masks'],
    ['transformer.h.1.attn.bias', 'causal masks'],
    ['h.0.attn.masked_bias', 'causal masks'],
    ['position_ids', 'position numbers'],
    ['score.weight', 'heads of tasks'],
    ['lm_head.weight', 'tied head'],
  ]);
  expect(reportLine(report)).toBe(
    '52 tensors used, 6 ignored (causal masks 3, position numbers 1, heads of tasks 1, tied head 1), 0 missed',
  );
  expect(reportLine(match((tensors) => tensors.set('h.3.attn.bias', tensors.get(WTE)!)))).toBe(
    '52 tensors used, 1 ignored (causal masks), 0 missed',
  );
});

test('(out, in) is turned, and what a model does not store is zero', () => {
  const name = 'transformer.h.0.mlp.c_fc.weight'; // (4, 16) here
  const tensors = whole();
  const values = Float32Array.from({ length: 64 }, (_, i) => i);
  tensors.set(name, { dtype: 'F32', shape: [16, 4], values });
  const zero = ['transformer.ln_f.bias'];
  tensors.delete(zero[0]!);
  const needed = new Map([...SHAPES].filter(([parameter]) => !zero.includes(parameter)));
  const report = matchTensors(stored(tensors), needed, {
    transposed: (parameter) => parameter === name,
    zero,
    fix: '',
  });
  const read = readers(stored(tensors), SHAPES, report);
  expect([...read.keys()]).toEqual([...SHAPES.keys()]);
  expect([...read.get(name)!()].slice(0, 5)).toEqual([0, 4, 8, 12, 16]);
  expect([...read.get(zero[0]!)!()]).toEqual([0, 0, 0, 0]);
  expect(reportLine(report)).toBe('51 tensors used, 0 ignored, 1 zero, 0 missed');
});

describe('one error', () => {
  test.each<[string, (tensors: Tensors) => unknown, RegExp]>([
    [
      'lists all that is missed, by layers',
      (tensors) => {
        for (const name of [...tensors.keys()]) if (/c_attn|h\.[013]\.ln_1|ln_f\.bias/.test(name)) tensors.delete(name);
      },
      /^model.x: tensors missing: transformer\.h\.\{0-1,3\}\.ln_1\.weight, transformer\.h\.\{0-1,3\}\.ln_1\.bias, transformer\.h\.\{0-3\}\.attn\.c_attn\.weight, transformer\.h\.\{0-3\}\.attn\.c_attn\.bias, transformer\.ln_f\.bias$/,
    ],
    [
      'lists what nobody knows',
      (tensors) => {
        for (const name of ['h.0.attn.rotary.inv_freq', 'h.1.attn.rotary.inv_freq', 'lm_head.bias', 'h.9.ln_1.bias']) {
          tensors.set(name, tensors.get(WTE)!);
        }
      },
      /^model.x: tensors not in the model of its configuration: h\.\{0-1\}\.attn\.rotary\.inv_freq, lm_head\.bias, h\.9\.ln_1\.bias$/,
    ],
    [
      'has both, and shapes and types',
      (tensors) => {
        tensors.delete('transformer.ln_f.bias');
        tensors.set('strange', tensors.get(WTE)!);
        tensors.set(WTE, { ...tensors.get(WTE)!, shape: [12, 4] });
        tensors.set('transformer.h.2.ln_1.bias', { ...tensors.get('transformer.h.2.ln_1.bias')!, dtype: 'I32' });
      },
      /missing: transformer\.ln_f\.bias; tensors not in .*: strange; tensor .*wte\.weight has shape \[12, 4\], expected \[11, 4\]; tensor transformer\.h\.2\.ln_1\.bias has dtype I32/,
    ],
    [
      'for a parameter with and without prefix',
      (tensors) => tensors.set('wte.weight', tensors.get(WTE)!),
      /transformer\.wte\.weight is there twice/,
    ],
    [
      'for a head of its own',
      (tensors) => {
        const { values, ...wte } = tensors.get(WTE)!;
        tensors.set('lm_head.weight', { ...wte, values: values.with(5, 9) as Float32Array<ArrayBuffer> });
      },
      /lm_head\.weight differs from transformer\.wte\.weight \(at element 5: 9 and 0\.00\d+\)$/,
    ],
    [
      'that stays short for names without end',
      (tensors) => {
        for (let i = 0; i < 5000; i++) tensors.set(`h.${i}.${'n'.repeat(i)}\u001b[2J`, tensors.get(WTE)!);
      },
      /^\P{Control}{0,2500}… \(\d+\)$/u,
    ],
  ])('%s', (_, change, message) => {
    expect(() => match(change)).toThrow(message);
    expect(() => match(change)).toThrow(DataError);
  });
});
