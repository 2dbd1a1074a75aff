// Folders as sources of gpt import: Hugging Face's with either kind of weights, OpenAI's GPT-1, and what is none.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { toBfloat16, toFloat16 } from '../../src/base/array.js';
import { DataError } from '../../src/base/errors.js';
import { toHfConfig } from '../../src/checkpoint/hf.js';
import { writeHfFolder } from '../../src/checkpoint/hf_folder.js';
import { openForeign } from '../../src/checkpoint/open_foreign.js';
import { type TensorSource, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { writeSharded } from '../../src/checkpoint/shards.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';
import { floats, type Pickled, py, tensor, writeTorchFile } from './torch_writer.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), 'gpt-hf-source-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let dir = '';
let made = 0;
beforeEach(() => {
  dir = join(root, String(made++));
  mkdirSync(dir);
});

const SHAPES = [...parameterShapes(tinyModel)];
/** Values that bfloat16 and float16 hold. */
const values = (k: number, length: number) => Float32Array.from({ length }, (_, i) => (k + 1) / 4 - (i % 8));
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const writeConfig = (model: ResolvedModel = tinyModel) =>
  writeFileSync(join(dir, 'config.json'), JSON.stringify(toHfConfig(model, 10)));

function readAll(path: string) {
  const { tensors, close, ...about } = openForeign(path);
  const all = new Map([...tensors].map(([name, read]) => [name, read()]));
  close();
  return { ...about, tensors: all };
}

const expectWhole = (tensors: ReadonlyMap<string, Float32Array>) =>
  expect([...tensors]).toEqual(SHAPES.map(([name, shape], k) => [name, values(k, size(shape))]));

describe('safetensors', () => {
  const source = (dtype: 'F32' | 'F16' | 'BF16') =>
    SHAPES.map(([name, shape], k): TensorSource => {
      const data = values(k, size(shape));
      if (dtype === 'F32') return { name, shape, dtype, data };
      return { name, shape, dtype, data: dtype === 'F16' ? toFloat16(data) : toBfloat16(data) };
    });

  test.each([
    ['F32', 'float32'],
    ['F16', 'float16'],
    ['BF16', 'bfloat16'],
  ] as const)('%s, in one file and in shards', async (dtype, name) => {
    writeConfig();
    await writeSafetensors(join(dir, 'model.safetensors'), source(dtype));
    const one = readAll(dir);
    expect([one.format, one.eot, one.notes]).toEqual([`Hugging Face folder, ${name}`, 10, []]);
    expectWhole(one.tensors);
    rmSync(join(dir, 'model.safetensors'));
    await writeSharded(dir, 'model', source(dtype), { maxBytes: 300 });
    const shards = readAll(dir);
    expectWhole(shards.tensors);
    expect(shards.report.used.map((used) => used.dtype)).toEqual(SHAPES.map(() => dtype));
  });

  test('a shard that is cut off, and an index that leads out of the folder', async () => {
    writeConfig();
    await writeSharded(dir, 'model', source('F32'), { maxBytes: 300 });
    const index = join(dir, 'model.safetensors.index.json');
    const text = readFileSync(index, 'utf8');
    const shard = /model-00002-of-\d+.safetensors/.exec(text)![0];
    const bytes = readFileSync(join(dir, shard)).length;
    truncateSync(join(dir, shard), bytes - 4);
    expect(() => openForeign(dir)).toThrow(/model-00002-of-.* is truncated: \d+ bytes/);
    writeFileSync(index, text.replaceAll(shard, `../${shard}`));
    expect(() => openForeign(dir)).toThrow(/outside of its folder/);
    expect(() => openForeign(dir)).toThrow(DataError);
  });

  test.skipIf(!existsSync(FIXTURES)).each(['gpt1-tiny', 'gpt2-tiny', 'gpt2-tiny-erf', 'gpt3-tiny'])(
    'the fixture %s goes in and out bit for bit (needs ../shared/fixtures)',
    async (name) => {
      const foreign = openForeign(join(FIXTURES, name));
      await writeHfFolder(join(dir, 'out'), foreign, { dtype: 'float32', tokenizerFiles: new Map() });
      const [written, original] = [join(dir, 'out'), join(FIXTURES, name)].map((folder) =>
        readFileSync(join(folder, 'model.safetensors')),
      );
      expect(written!.equals(original!)).toBe(true);
      expect(foreign.report.ignored).toEqual([]);
      foreign.close();
    },
  );
});

describe('pytorch_model.bin', () => {
  interface State {
    names?: readonly string[];
    prefix?: string;
    more?: readonly (readonly [string, Pickled])[];
  }
  function write(
    file: string,
    { names = SHAPES.map(([name]) => name), prefix = 'transformer.', more = [] }: State = {},
  ) {
    const storages = new Map<string, Uint8Array>();
    const state = SHAPES.flatMap(([name, shape], k): (readonly [string, Pickled])[] => {
      if (!names.includes(name)) return [];
      const key = String(k);
      storages.set(key, floats(values(k, size(shape))));
      return [[name.replace('transformer.', prefix), tensor({ key, length: size(shape), shape })]];
    });
    const tied = state
      .filter(([name]) => name.endsWith('wte.weight'))
      .map(([, pickle]) => ['lm_head.weight', pickle] as const);
    writeTorchFile(join(dir, file), py.dict([...state, ...tied, ...more]), storages);
  }

  test.each(['transformer.', ''])('with the prefix "%s", and a head in the storage of the embedding', (prefix) => {
    writeConfig();
    write('pytorch_model.bin', { prefix });
    const { tensors, report, format } = readAll(dir);
    expectWhole(tensors);
    expect(format).toBe('Hugging Face folder, float32');
    expect(report.ignored.map(({ name }) => name)).toEqual(['lm_head.weight']);
  });

  test('in shards', () => {
    writeConfig();
    const names = SHAPES.map(([name]) => name);
    const [first, second] = ['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin'];
    write(first!, { names: names.slice(0, 5) });
    write(second!, { names: names.slice(5) });
    const map = Object.fromEntries(names.map((name, i) => [name, i < 5 ? first : second]));
    const index = join(dir, 'pytorch_model.bin.index.json');
    writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: map }));
    expectWhole(readAll(dir).tensors);
    writeFileSync(index, JSON.stringify({ weight_map: { ...map, [names[0]!]: `../${first}` } }));
    expect(() => openForeign(dir)).toThrow(/outside of its folder/);
  });

  test('safetensors come first', async () => {
    writeConfig();
    writeFileSync(join(dir, 'pytorch_model.bin'), 'anything');
    const data = SHAPES.map(
      ([name, shape], k) => ({ name, shape, dtype: 'F32', data: values(k, size(shape)) }) as const,
    );
    await writeSafetensors(join(dir, 'model.safetensors'), data);
    expectWhole(readAll(dir).tensors);
  });

  test.each<[string, () => void, RegExp]>([
    [
      'a pickle that calls os.system',
      () => write('pytorch_model.bin', { more: [['x', py.call(py.global('os', 'system'), py.str('touch pwned'))]] }),
      /pytorch_model.bin: its pickle cannot be read: it refers to os.system, which is not executed here/,
    ],
    [
      'one that calls a builtin',
      () => write('pytorch_model.bin', { more: [['x', py.call(py.global('builtins', 'exec'), py.str('1'))]] }),
      /it refers to builtins.exec/,
    ],
    [
      'a number among the tensors',
      () => write('pytorch_model.bin', { more: [['step', py.int(1)]] }),
      /it holds step, which is no tensor/,
    ],
    [
      'the format before PyTorch 1.6',
      () =>
        writeFileSync(
          join(dir, 'pytorch_model.bin'),
          Buffer.from('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'),
        ),
      /was saved by PyTorch before 1.6/,
    ],
    ['no archive', () => writeFileSync(join(dir, 'pytorch_model.bin'), 'hello'), /damaged zip archive/],
    ['nothing', () => writeFileSync(join(dir, 'pytorch_model.bin'), ''), /no end record/],
    ['no weights', () => {}, /has a config.json, and neither model.safetensors nor pytorch_model.bin/],
  ])('%s', (_, prepare, message) => {
    writeConfig();
    prepare();
    expect(() => openForeign(dir)).toThrow(message);
    expect(() => openForeign(dir)).toThrow(DataError);
    expect(existsSync(join(dir, 'pwned'))).toBe(false);
  });
});

describe("OpenAI's GPT-1", () => {
  const model: ResolvedModel = {
    ...tinyModel,
    ...{
      arch: 'gpt1',
      n_layer: 2,
      n_embd: 64,
      n_head: 1,
      n_inner: 256,
      resid_pdrop: 0.1,
      embd_pdrop: 0.1,
      attn_pdrop: 0.1,
    },
    attention_layers: ['global', 'global'],
  };
  const shapes = [...parameterShapes(model)];

  /** As train.py expects them: positions before tokens, kernels of width 1, everything flat and cut into ten. */
  function write(change: { shapes?: unknown; header?: string; cut?: number } = {}): Float32Array {
    const [tokens, positions, ...rest] = shapes;
    const order = [positions!, tokens!, ...rest];
    const stored = order.map(([name, shape]) => (name.includes('.h.') && shape.length === 2 ? [1, ...shape] : shape));
    writeFileSync(join(dir, 'params_shapes.json'), JSON.stringify(change.shapes ?? stored));
    const total = order.reduce((sum, [, shape]) => sum + size(shape), 0);
    const all = Float32Array.from({ length: total }, (_, i) => i);
    const each = Math.ceil(total / 10);
    for (let i = 0; i < 10; i++) {
      const part = all.slice(i * each, (i + 1) * each);
      const text = change.header ?? `{'descr': '<f4', 'fortran_order': False, 'shape': (${part.length},), }`;
      const header = text.padEnd(117).concat('\n');
      const start = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.of(118, 0), Buffer.from(header)]);
      const bytes = Buffer.concat([start, Buffer.from(part.buffer)]);
      writeFileSync(join(dir, `params_${i}.npy`), bytes.subarray(0, bytes.length - (change.cut ?? 0)));
    }
    return all;
  }

  test('ten arrays become the parameters of a gpt1', () => {
    const all = write();
    const found = readAll(dir);
    expect(found.model).toEqual({ ...model, activation_function: 'gelu_new' });
    expect([...found.tensors.keys()]).toEqual(shapes.map(([name]) => name));
    const [tokens, positions] = shapes.map(([, shape]) => size(shape));
    let at = tokens! + positions!;
    const want = shapes.map(([name, shape], i): [string, Float32Array] => {
      if (i === 0) return [name, all.slice(positions!, positions! + tokens!)];
      if (i === 1) return [name, all.slice(0, positions!)];
      const part = all.slice(at, at + size(shape));
      at += size(shape);
      return [name, part];
    });
    expect([...found.tensors]).toEqual(want);
    expect(found.report.used.length).toBe(26);
    expect(found.report.used[2]).toMatchObject({
      ...{ name: 'params[2]', parameter: 'transformer.h.0.attn.c_attn.weight', shape: [1, 64, 192] },
    });
  });

  test.each<[string, () => void, RegExp]>([
    [
      'other shapes',
      () => write({ shapes: [[8, 64], [11, 64], ...new Array(12).fill([64])] }),
      /array 2 has shape \[64\]/,
    ],
    ['no list', () => write({ shapes: {} }), /does not list the arrays of a GPT-1/],
    [
      'a width without heads',
      () => write({ shapes: [[8, 60], [11, 60], ...new Array(12).fill([60])] }),
      /no heads of 64/,
    ],
    [
      'float64',
      () => write({ header: "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }" }),
      /one row of float32/,
    ],
    ['a file that is cut off', () => write({ cut: 4 }), /params_0.npy: has \d+ bytes, and its header promises \d+/],
    [
      'a file that is missing',
      () => {
        write();
        rmSync(join(dir, 'params_7.npy'));
      },
      /params_\*.npy have \d+ numbers, and params_shapes.json promises \d+/,
    ],
    [
      'no NumPy',
      () => {
        write();
        writeFileSync(join(dir, 'params_3.npy'), 'x'.repeat(200));
      },
      /params_3.npy: it is no .npy file/,
    ],
  ])('%s', (_, prepare, message) => {
    prepare();
    expect(() => openForeign(dir)).toThrow(message);
    expect(() => openForeign(dir)).toThrow(DataError);
  });
});

describe('other folders', () => {
  test.each<[string, () => void, RegExp]>([
    ['an empty one', () => {}, /is no folder that gpt imports/],
    ["TensorFlow's", () => writeFileSync(join(dir, 'hparams.json'), '{}'), /a checkpoint of TensorFlow's/],
    [
      "gpt's own",
      () => {
        writeConfig();
        mkdirSync(join(dir, 'trainer'));
      },
      /is a checkpoint of gpt's own/,
    ],
  ])('%s', (_, prepare, message) => {
    prepare();
    expect(() => openForeign(dir)).toThrow(message);
  });

  test('a link that leads nowhere, and --activation with a folder', () => {
    symlinkSync('nowhere', join(dir, 'link'));
    expect(() => openForeign(join(dir, 'link'))).toThrow(/no such file/);
    expect(() => openForeign(dir, 'gelu')).toThrow(/is a folder, whose config.json says it/);
  });
});
