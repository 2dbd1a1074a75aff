import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { readModel } from '../../src/checkpoint/hf.js';
import { openNanoGpt } from '../../src/checkpoint/nanogpt.js';
import { openForeign } from '../../src/checkpoint/open_foreign.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';
import { floats, type Pickled, py, tensor, type WrittenTensor, writeTorchFile, zip } from './torch_writer.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), 'gpt-nanogpt-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.skipIf(!existsSync(FIXTURES))("PyTorch's own file, bit for bit (needs ../shared/fixtures)", () => {
  const imported = openForeign(join(FIXTURES, 'formats/nanogpt_ckpt.pt'));
  const original = readModel(join(FIXTURES, 'gpt2-tiny-erf'));
  expect(imported.format).toBe('nanoGPT, step 3');
  expect(imported.model).toEqual(original.model);
  expect(imported.model.activation_function).toBe('gelu');
  expect([...imported.tensors.keys()]).toEqual([...original.tensors.keys()]);
  const bytes = (read: () => Float32Array) => Buffer.from(read().buffer).toString('base64');
  const wrong = [...original.tensors].filter(([name, read]) => bytes(imported.tensors.get(name)!) !== bytes(read));
  expect(wrong.map(([name]) => name)).toEqual([]);
  imported.close();
  original.close();
});

// ---- files made here

const SHAPES = parameterShapes(tinyModel);
const isLinear = (name: string) => /c_(attn|proj|fc)\.weight$/.test(name);
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
/** As nanoGPT stores it: out, in. */
const storedShape = (name: string, shape: readonly number[]) => (isLinear(name) ? [...shape].reverse() : shape);
/** The value at [i, j] of our layout. */
const valueAt = (k: number, i: number, j: number) => k + i / 64 + j / 4096;

function expected(): Map<string, Float32Array> {
  return new Map(
    [...SHAPES].map(([name, shape], k) => {
      const [rows, columns = 1] = shape;
      return [
        name,
        Float32Array.from({ length: rows! * columns }, (_, n) => valueAt(k, Math.floor(n / columns), n % columns)),
      ];
    }),
  );
}

/** The values in the order of a stored tensor. */
function storedValues(name: string): number[] {
  const k = [...SHAPES.keys()].indexOf(name);
  const [a, b = 1] = storedShape(name, SHAPES.get(name)!);
  return Array.from({ length: a! * b }, (_, n) => {
    const [i, j] = [Math.floor(n / b), n % b];
    return isLinear(name) ? valueAt(k, j, i) : valueAt(k, i, j);
  });
}

type Tensors = Map<string, WrittenTensor>;
interface Parts {
  args: [string, Pickled][];
  tensors: Tensors;
  storages: Map<string, Uint8Array>;
  more: [string, Pickled][];
}

const ARGS: [string, Pickled][] = [
  ['n_layer', py.int(1)],
  ['n_head', py.int(2)],
  ['n_embd', py.int(4)],
  ['block_size', py.int(8)],
  ['bias', py.bool(true)],
  ['vocab_size', py.int(11)],
  ['dropout', py.float(0.25)],
];

function parts(): Parts {
  const tensors: Tensors = new Map();
  const storages = new Map<string, Uint8Array>();
  for (const [name, shape] of SHAPES) {
    const key = String(storages.size);
    storages.set(key, floats(storedValues(name)));
    tensors.set(name, { key, length: size(shape), shape: storedShape(name, shape) });
  }
  tensors.set('lm_head.weight', tensors.get('transformer.wte.weight')!);
  return { args: [...ARGS], tensors, storages, more: [['iter_num', py.int(7)]] };
}

let files = 0;
function write(change: (p: Parts) => void = () => {}, options = {}): string {
  const p = parts();
  change(p);
  const model = py.dict([...p.tensors].map(([name, t]) => [name, tensor(t)]));
  const value = py.dict([['model', model], ['model_args', py.dict(p.args)], ...p.more]);
  return writeTorchFile(join(dir, `${files++}.pt`), value, p.storages, options);
}

function imported(file: string) {
  const found = openNanoGpt(file);
  const tensors = new Map([...found.tensors].map(([name, read]) => [name, read()]));
  found.close();
  return { ...found, tensors };
}

test('weights are turned to (in, out), the configuration comes from model_args', () => {
  const { model, tensors, format, notes } = imported(write());
  expect(model).toEqual({
    ...tinyModel,
    activation_function: 'gelu',
    resid_pdrop: 0.25,
    embd_pdrop: 0.25,
    attn_pdrop: 0.25,
  });
  expect(tensors).toEqual(expected());
  expect([format, notes.length]).toEqual(['nanoGPT, step 7', 1]);
});

test('GELU: erf, tanh where model_args are too old to have a bias, and what the user says', () => {
  const gelu = (file: string, activation?: 'gelu' | 'gelu_new') => {
    const { model, notes, close } = openNanoGpt(file, activation);
    close();
    return [model.activation_function, notes[0]];
  };
  const old = write((p) => p.args.splice(4, 1));
  expect(gelu(write())).toEqual(['gelu', expect.stringContaining('--activation gelu_new')]);
  expect(gelu(old)).toEqual(['gelu_new', expect.stringContaining('before February 2023')]);
  expect(gelu(old, 'gelu')).toEqual(['gelu', 'activation_function is gelu, as --activation says']);
  expect(gelu(write(), 'gelu_new')).toEqual(['gelu_new', 'activation_function is gelu_new, as --activation says']);
});

describe('what else torch writes', () => {
  /** Puts other bytes into the storage of a tensor. */
  const store = (p: Parts, name: string, type: string, bytes: Uint8Array) => {
    const t = p.tensors.get(name)!;
    p.tensors.set(name, { ...t, type });
    p.storages.set(t.key, bytes);
  };
  const WPE = 'transformer.wpe.weight';
  const FC = 'transformer.h.0.mlp.c_fc.weight';

  test('a compiled model, mask buffers, a zip64', () => {
    const file = write(
      (p) => {
        p.tensors = new Map([...p.tensors].map(([name, t]) => [`_orig_mod.${name}`, t]));
        p.storages.set('mask', floats(new Float32Array(64)));
        p.tensors.set('_orig_mod.transformer.h.0.attn.bias', { key: 'mask', length: 64, shape: [1, 1, 8, 8] });
      },
      { zip64: true },
    );
    expect(imported(file).tensors).toEqual(expected());
  });

  test('no biases: zeros, and a note', () => {
    const { tensors, notes } = imported(
      write((p) => {
        p.args.splice(4, 1, ['bias', py.bool(false)]);
        for (const name of [...p.tensors.keys()]) if (name.endsWith('.bias')) p.tensors.delete(name);
      }),
    );
    for (const [name, values] of expected()) {
      expect(tensors.get(name)).toEqual(name.endsWith('.bias') ? new Float32Array(values.length) : values);
    }
    expect(notes).toContain('the model has no biases: they are zero, which computes the same');
  });

  test('float16, bfloat16 and float64', () => {
    const bf16 = Uint16Array.from(new Uint32Array(Float32Array.from(storedValues(WPE)).buffer), (b) => b >>> 16);
    const file = write((p) => {
      store(p, WPE, 'BFloat16Storage', new Uint8Array(bf16.buffer));
      store(p, FC, 'DoubleStorage', new Uint8Array(Float64Array.from(storedValues(FC)).buffer));
      // 0x3c00 1, 0xc000 -2, 0x0001 2^-24, 0x7bff 65504
      const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff);
      store(p, 'transformer.ln_f.bias', 'HalfStorage', new Uint8Array(halves.buffer));
    });
    const { tensors, notes } = imported(file);
    const want = expected();
    expect(notes).toContain(`1 of ${SHAPES.size} tensors are float64: they are rounded to float32`);
    expect([...tensors.get(WPE)!]).toEqual(
      [...bf16].map((half) => new Float32Array(Uint32Array.of(half << 16).buffer)[0]),
    );
    expect(tensors.get(FC)).toEqual(want.get(FC));
    expect([...tensors.get('transformer.ln_f.bias')!]).toEqual([1, -2, 2 ** -24, 65504]);
  });

  test('strides, offsets, and all parameters in one storage', () => {
    const file = write((p) => {
      const all: number[] = [99, 98, 97];
      for (const [name, shape] of SHAPES) {
        const [a, b] = storedShape(name, shape);
        // every second matrix lies transposed in the storage
        const turned = b !== undefined && all.length % 2 === 1;
        const values = storedValues(name);
        const offset = all.length;
        const place = turned
          ? Array.from({ length: a! * b }, (_, n) => values[(n % a!) * b + Math.floor(n / a!)]!)
          : values;
        all.push(...place);
        const strides = b === undefined ? [1] : turned ? [1, a!] : [b, 1];
        p.tensors.set(name, { key: 'all', length: 0, shape: [a!, ...(b === undefined ? [] : [b])], offset, strides });
      }
      p.tensors.delete('lm_head.weight');
      for (const [name, t] of p.tensors) p.tensors.set(name, { ...t, length: all.length });
      p.storages = new Map([['all', floats(all)]]);
    });
    expect(imported(file).tensors).toEqual(expected());
  });

  test('a copy of the embedding as the head', () => {
    const copy = (values: number[]) =>
      write((p) => {
        p.storages.set('head', floats(values));
        p.tensors.set('lm_head.weight', { key: 'head', length: 44, shape: [11, 4] });
      });
    const wte = storedValues('transformer.wte.weight');
    expect(imported(copy(wte)).tensors).toEqual(expected());
    expect(() => openNanoGpt(copy(wte.with(5, 9)))).toThrow(
      /lm_head.weight differs from transformer.wte.weight \(at element 5: 9 and/,
    );
  });

  test('an optimizer and a configuration beside it', () => {
    const file = write((p) => {
      const step = { key: 'step', length: 1, shape: [] };
      p.storages.set('step', floats([3]));
      p.more.push(['optimizer', py.dict([['state', py.dict([['0', tensor(step)]])]])], ['best_val_loss', tensor(step)]);
      p.more.push([
        'config',
        py.dict([
          ['dtype', py.str('bfloat16')],
          ['compile', py.bool(true)],
          ['x', py.none],
        ]),
      ]);
    });
    expect(imported(file).tensors).toEqual(expected());
  });
});

describe('refused', () => {
  const WTE = 'transformer.wte.weight';
  const set = (p: Parts, name: string, change: Partial<WrittenTensor>) =>
    p.tensors.set(name, { ...p.tensors.get(name)!, ...change });
  const arg = (p: Parts, name: string, value: Pickled) =>
    p.args.splice(
      p.args.findIndex(([key]) => key === name),
      1,
      [name, value],
    );
  test.each<[string, (p: Parts) => void, RegExp]>([
    [
      'a program in the pickle',
      (p) => p.more.push(['x', py.call(py.global('os', 'system'), py.str('touch x'))]),
      /it refers to os.system, which is not executed here/,
    ],
    ['no model_args', (p) => p.args.splice(0), /model_args has no number n_layer/],
    ['a text for a number', (p) => arg(p, 'n_head', py.str('2')), /model_args has no number n_head/],
    ['a number for a truth', (p) => arg(p, 'bias', py.int(1)), /bias is neither True nor False/],
    ['heads that do not divide', (p) => arg(p, 'n_head', py.int(3)), /n_embd 4 is not divisible by n_head 3/],
    ['10^9 layers', (p) => arg(p, 'n_layer', py.int(1e9)), /n_layer/],
    ['a missing tensor', (p) => p.tensors.delete('transformer.ln_f.bias'), /tensors missing: transformer.ln_f.bias/],
    [
      'a second layer',
      (p) => p.tensors.set('transformer.h.1.ln_1.bias', p.tensors.get('transformer.h.0.ln_1.bias')!),
      /not in the model of its configuration: transformer.h.1/,
    ],
    ['another shape', (p) => arg(p, 'vocab_size', py.int(12)), /wte.weight has shape \[11, 4\], expected \[12, 4\]/],
    [
      'integers as weights',
      (p) => {
        set(p, 'transformer.wpe.weight', { type: 'IntStorage' });
      },
      /wpe.weight has dtype I32/,
    ],
    ['a storage of another size', (p) => set(p, WTE, { length: 45 }), /storage 0 has 176 bytes, expected 180/],
    ['a storage that is missing', (p) => p.storages.delete('0'), /storage 0 is missing/],
    ['an offset out of the storage', (p) => set(p, WTE, { offset: 1 }), /lies outside its storage 0/],
    ['a stride out of the storage', (p) => set(p, WTE, { strides: [5, 1] }), /lies outside its storage 0/],
    ['a negative stride', (p) => set(p, WTE, { strides: [-4, 1] }), /not described as PyTorch does/],
    ['an expanded tensor', (p) => set(p, WTE, { shape: [2 ** 30, 4], strides: [0, 0] }), /lies outside its storage 0/],
    [
      'parameters in the same place',
      (p) =>
        set(p, 'transformer.h.0.mlp.c_fc.weight', {
          ...p.tensors.get('transformer.h.0.mlp.c_proj.weight')!,
          shape: [16, 4],
        }),
      /its \d+ parameters share \d+ values/,
    ],
  ])('%s', (_, change, message) => {
    const file = write(change);
    const all = () => imported(file);
    expect(all).toThrow(message);
    expect(all).toThrow(DataError);
  });

  test('names that are long, or no text', () => {
    const long = 'n'.repeat(5000);
    const named = (key: string) => () => imported(write((p) => p.tensors.set(long, { key, length: 1, shape: [1] })));
    expect(named('k'.repeat(5000))).toThrow(/storage k{57}\.\.\. is missing$/);
    const state = (key: Pickled) =>
      writeTorchFile(
        join(dir, 'names.pt'),
        py.dict([
          ['model_args', py.dict(ARGS)],
          ['model', Buffer.concat([Buffer.from('}'), key, Buffer.from('Ns')])],
        ]),
        new Map(),
      );
    expect(() => openNanoGpt(state(py.str(long)))).toThrow(/model holds n{57}\.\.\., which is no tensor$/);
    // a list of two lists, each of the same two lists, and so on: as text it would have 2^60 commas
    const lists = Buffer.from(`(]q\0${'](h\0h\0eq\0'.repeat(60)}t`);
    const list = py.call(py.global('torch._utils', '_rebuild_parameter'), lists);
    expect(() => openNanoGpt(state(list))).toThrow(/model holds something without a name, which is no tensor$/);
  });

  test('a state dict alone, an archive without a pickle', () => {
    const alone = writeTorchFile(join(dir, 'alone.pt'), py.dict([['a', py.int(1)]]), new Map());
    expect(() => openNanoGpt(alone)).toThrow(/alone.pt is no checkpoint of nanoGPT: model_args is missing/);
    const archive = join(dir, 'archive.zip');
    writeFileSync(archive, zip([['a/readme.txt', Buffer.from('x')]]));
    expect(() => openNanoGpt(archive)).toThrow(/has no data.pkl: PyTorch did not save it/);
    writeFileSync(
      archive,
      zip([
        ['a/data.pkl', Buffer.from('')],
        ['a/byteorder', Buffer.from('big')],
      ]),
    );
    expect(() => openNanoGpt(archive)).toThrow(/byte order/);
  });
});
