import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../src/base/errors.js';
import { type HfModel, readModel } from '../../src/checkpoint/hf.js';
import { openLlmc, writeLlmc } from '../../src/checkpoint/llmc.js';
import { openForeign } from '../../src/checkpoint/open_foreign.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url).pathname;
const hasFixtures = existsSync(FIXTURES);
const dir = mkdtempSync(join(tmpdir(), 'gpt-llmc-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const bytes = (values: Float32Array) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
/** Upper halves, rounded to nearest even. */
const rounded = (values: Float32Array) =>
  Float32Array.from(values, (value) => {
    const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
    const down = bits & 0xffff0000;
    const up = down + 0x10000;
    const rest = bits & 0xffff;
    const odd = (down >>> 16) & 1;
    return new Float32Array(Uint32Array.of(rest > 0x8000 || (rest === 0x8000 && odd) ? up : down).buffer)[0]!;
  });

/** Names of parameters that differ. */
function different(a: HfModel['tensors'], b: HfModel['tensors'], map = (x: Float32Array) => x): string[] {
  expect([...a.keys()]).toEqual([...b.keys()]);
  return [...a].filter(([name, read]) => bytes(read()) !== bytes(map(b.get(name)!()))).map(([name]) => name);
}

describe.skipIf(!hasFixtures)("llm.c's own layout (needs ../shared/fixtures)", () => {
  test.each([
    [3, 'float32', (x: Float32Array) => x],
    [5, 'bfloat16', rounded],
  ] as const)('version %i, bit for bit, read and written', async (version, dtype, map) => {
    const path = join(FIXTURES, `formats/llmc_v${version}.bin`);
    const imported = openForeign(path);
    const original = readModel(join(FIXTURES, 'gpt2-tiny-erf'));
    expect(imported.format).toBe(`llm.c, version ${version}, ${dtype}`);
    expect(imported.model).toEqual({ ...original.model, activation_function: 'gelu_new' });
    expect(different(imported.tensors, original.tensors, map)).toEqual([]);
    const copy = join(dir, `copy-${version}.bin`);
    await writeLlmc(copy, { model: imported.model, tensors: original.tensors }, version === 3 ? 'F32' : 'BF16');
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
    imported.close();
    original.close();
  });
});

const model: ResolvedModel = {
  ...tinyModel,
  n_layer: 2,
  attention_layers: ['global', 'global'],
  resid_pdrop: 0,
  attn_pdrop: 0,
};
const tensors: HfModel['tensors'] = new Map(
  [...parameterShapes(model)].map(([name, shape], k) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(100 * k + i));
    return [name, () => values];
  }),
);
let files = 0;
async function written(dtype: 'F32' | 'BF16' = 'F32', other: Partial<ResolvedModel> = {}): Promise<string> {
  const path = join(dir, `${files++}.bin`);
  await writeLlmc(path, { model: { ...model, ...other }, tensors }, dtype);
  return path;
}

test('a model comes back as it was, exactly in float32, rounded in bfloat16', async () => {
  for (const [dtype, map] of [
    ['F32', (x: Float32Array) => x],
    ['BF16', rounded],
  ] as const) {
    const found = openLlmc(await written(dtype));
    expect(found.model).toEqual(model);
    expect(different(found.tensors, tensors, map)).toEqual([]);
    found.close();
  }
});

test('a file of llm.c says its GELU: nobody else does', async () => {
  const path = await written();
  for (const activation of ['gelu', 'gelu_new'] as const) {
    expect(() => openForeign(path, activation)).toThrow(ConfigError);
  }
});

test('the vocabulary is padded to a multiple of 128 with zeros', async () => {
  const file = readFileSync(await written());
  expect([...new Int32Array(file.buffer, file.byteOffset, 9)]).toEqual([20240326, 3, 8, 11, 2, 2, 4, 128, 0]);
  const padding = new Float32Array(file.buffer, file.byteOffset + 1024 + 4 * 11 * 4, 117 * 4);
  expect(padding.every((value) => value === 0)).toBe(true);
});

test('the folders above are made', async () => {
  const path = join(dir, 'new', 'folder', 'model.bin');
  await writeLlmc(path, { model, tensors }, 'F32');
  openLlmc(path).close();
});

test('nothing is overwritten, and a failed export leaves nothing', async () => {
  const path = await written();
  const before = readFileSync(path);
  await expect(writeLlmc(path, { model, tensors }, 'F32')).rejects.toThrow(/exists and is not overwritten/);
  expect(readFileSync(path).equals(before)).toBe(true);
  const broken = new Map([
    ...tensors,
    [
      'transformer.ln_f.bias',
      () => {
        throw new DataError('the disk is broken', 'x');
      },
    ],
  ]) as HfModel['tensors'];
  await expect(writeLlmc(join(dir, 'broken.bin'), { model, tensors: broken }, 'F32')).rejects.toThrow(/disk is broken/);
  expect(readdirSync(dir).filter((name) => name.includes('broken'))).toEqual([]);
});

test.each<[Partial<ResolvedModel>, RegExp]>([
  [{ arch: 'gpt1' }, /its arch is gpt1/],
  [{ activation_function: 'gelu' }, /its GELU is the erf form/],
  [{ n_inner: 12 }, /its MLP has width 12, not 4 x 4/],
  [{ layer_norm_epsilon: 1e-6 }, /layer_norm_epsilon is 0.000001, not 1e-5/],
  [{ arch: 'gpt3', attention_layers: ['global', 'local'] }, /it has banded layers/],
])('llm.c does not compute %j', async (other, message) => {
  await expect(written('F32', other)).rejects.toThrow(message);
  await expect(written('F32', other)).rejects.toThrow(DataError);
});

describe('damaged files', () => {
  const damaged = async (change: (file: Buffer) => Buffer): Promise<string> => {
    const path = await written();
    const file = readFileSync(path);
    writeFileSync(path, change(file));
    return path;
  };
  const int = (index: number, value: number) => (file: Buffer) => {
    file.writeInt32LE(value, 4 * index);
    return file;
  };
  test.each<[string, (file: Buffer) => Buffer, RegExp]>([
    ['another version', int(1, 1), /version 1 of llm.c's format; gpt reads 3 \(float32\) and 5/],
    ['bfloat16 by mistake', int(1, 5), /has \d+ bytes, and its header promises a model of \d+$/],
    ['no layers', int(4, 0), /its header says n_layer 0/],
    ['negative numbers', (file) => int(6, -4)(int(2, -1)(file)), /says n_ctx -1, n_embd -4/],
    ['heads that do not divide', int(5, 3), /n_embd 4 is not divisible by n_head 3/],
    ['padding below the vocabulary', int(7, 10), /its vocabulary of 11 is padded to 10/],
    ['10^9 layers', int(4, 1e9), /n_layer is 1000000000/],
    ['a width of 2^31', int(6, 2 ** 31 - 2), /promises a model of/],
    ['cut off', (file) => file.subarray(0, -1), /bytes, and its header promises/],
    ['too long', (file) => Buffer.concat([file, Buffer.alloc(4)]), /bytes, and its header promises/],
    [
      'no header',
      (file) => file.subarray(0, 1000),
      /llm.c's header would lie at bytes 0 to 1024, and the file has 1000/,
    ],
  ])('%s', async (_, change, message) => {
    const path = await damaged(change);
    expect(() => openForeign(path)).toThrow(message);
    expect(() => openForeign(path)).toThrow(DataError);
  });

  test.each<[string, Uint8Array | string, RegExp]>([
    ['tokens', new Uint8Array(Int32Array.of(20240520, 1, 0).buffer), /is a file of tokens, not a model$/],
    ['a debug state', new Uint8Array(Int32Array.of(20240327).buffer), /is a debug state of llm.c's/],
    ['text', 'once upon a time', /is no model that gpt imports$/],
    ['nothing', '', /is no model that gpt imports$/],
  ])('%s', (name, content, message) => {
    const path = join(dir, name);
    writeFileSync(path, content);
    expect(() => openForeign(path)).toThrow(message);
    expect(() => openForeign(path)).toThrow(DataError);
  });

  test('a folder, a missing file', () => {
    expect(() => openForeign(dir)).toThrow(/is no folder that gpt imports$/);
    expect(() => openForeign(join(dir, 'nowhere'))).toThrow(/no such file/);
  });
});
