// ckpt.pt as gpt exports it. PyTorch itself is not part of the tests: what it needs of the archive is checked byte by byte.

import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { nodeFileSystem } from '../../src/base/files.js';
import { openNanoGpt } from '../../src/checkpoint/nanogpt.js';
import { nanoGptDifferences, writeNanoGpt } from '../../src/checkpoint/nanogpt_write.js';
import { openTorchFile, type TorchTensor } from '../../src/checkpoint/torch_file.js';
import { py, writeTorchFile } from '../../src/checkpoint/torch_write.js';
import { openZip } from '../../src/checkpoint/zip.js';
import { writeZip } from '../../src/checkpoint/zip_write.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';

const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), 'gpt-nanogpt-write-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const model: ResolvedModel = { ...tinyModel, resid_pdrop: 0.25, embd_pdrop: 0.25, attn_pdrop: 0.25 };
const tensors = new Map(
  [...parameterShapes(model)].map(([name, shape], k) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return [name, () => Float32Array.from({ length }, (_, i) => Math.sin(k + i))];
  }),
);
let made = 0;
async function written(change: Partial<ResolvedModel> = {}, progress = { step: 7, bestValLoss: 2.5 as number | null }) {
  const path = join(dir, `${made++}.pt`);
  await writeNanoGpt(path, { model: { ...model, ...change }, tensors }, progress);
  return path;
}

test.each(['gelu', 'gelu_new'] as const)('comes back with every bit, and with its GELU: %s', async (activation) => {
  const found = openNanoGpt(await written({ activation_function: activation }));
  expect(found.model).toEqual({ ...model, activation_function: activation });
  expect(found.format).toBe('nanoGPT, step 7');
  expect(found.notes).toEqual([`activation_function is ${activation}, as the file's config says`]);
  expect(new Map([...found.tensors].map(([name, read]) => [name, read()]))).toEqual(
    new Map([...tensors].map(([name, read]) => [name, read()])),
  );
  expect(found.report.ignored.map(({ name, why }) => [name, why])).toEqual([['lm_head.weight', 'tied head']]);
  found.close();
});

test("holds what nanoGPT's train.py reads", async () => {
  const file = openTorchFile(await written());
  const value = file.value as Map<string, unknown>;
  expect([...value.keys()]).toEqual(['model', 'optimizer', 'model_args', 'iter_num', 'best_val_loss', 'config']);
  expect(Object.fromEntries(value.get('model_args') as Map<string, unknown>)).toEqual({
    ...{ n_layer: 1, n_head: 2, n_embd: 4, block_size: 8, bias: true, vocab_size: 11, dropout: 0.25 },
  });
  expect([value.get('iter_num'), value.get('best_val_loss')]).toEqual([7, 2.5]);
  const state = value.get('model') as Map<string, TorchTensor>;
  expect([...state.keys()]).toEqual([...tensors.keys(), 'lm_head.weight']);
  const [head, wte] = [state.get('lm_head.weight')!, state.get('transformer.wte.weight')!];
  expect(head.storage).toBe(wte.storage);
  expect(state.get('transformer.h.0.attn.c_attn.weight')!.shape).toEqual([12, 4]); // (out, in)
  const optimizer = value.get('optimizer') as Map<string, unknown>;
  expect(optimizer.get('state')).toEqual(new Map());
  const groups = optimizer.get('param_groups') as Map<string, unknown>[];
  // wte, wpe and four matrices; two vectors for each of the four linear layers' biases and three norms
  expect(groups.map((group) => [group.get('weight_decay'), group.get('params')])).toEqual([
    [0.1, [0, 1, 2, 3, 4, 5]],
    [0, [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]],
  ]);
  file.close();
  const never = openTorchFile(await written({}, { step: 0, bestValLoss: null }));
  expect((never.value as Map<string, unknown>).get('best_val_loss')).toBe(1e9);
  never.close();
});

test('each storage starts at a multiple of 64 bytes', async () => {
  const bytes = readFileSync(await written());
  const starts: [string, number][] = [];
  for (let at = 0; bytes.readUInt32LE(at) === 0x04034b50; ) {
    const [name, extra] = [bytes.readUInt16LE(at + 26), bytes.readUInt16LE(at + 28)];
    const start = at + 30 + name + extra;
    starts.push([bytes.toString('utf8', at + 30, at + 30 + name), start % 64]);
    at = start + bytes.readUInt32LE(at + 18);
  }
  expect(starts.map(([name]) => name)).toEqual([
    ...['archive/data.pkl', 'archive/byteorder'],
    ...[...tensors.keys()].map((_, i) => `archive/data/${i}`),
    'archive/version',
  ]);
  expect(starts.filter(([, rest]) => rest !== 0)).toEqual([]);
  expect(bytes.includes(Buffer.from('\x80\x02}(X\x05\x00\x00\x00model}(', 'latin1'))).toBe(true); // protocol 2
});

test('zip64, where numbers do not fit into 32 bits', async () => {
  const path = join(dir, 'zip64.zip');
  const entries = ['a/x', 'a/y', 'a/zz'].map((name, i) => ({ name, data: () => Buffer.alloc(100 * i, i) }));
  const fd = openSync(path, 'w');
  await writeZip(fd, entries, nodeFileSystem, 150); // as if 150 were 2^32
  closeSync(fd);
  const archive = openZip(path);
  expect([...archive.entries]).toEqual([
    ['a/x', 0],
    ['a/y', 100],
    ['a/zz', 200],
  ]);
  expect(Buffer.from(archive.read('a/zz')).equals(Buffer.alloc(200, 2))).toBe(true);
  expect(Buffer.from(archive.read('a/y')).equals(Buffer.alloc(100, 1))).toBe(true);
  archive.close();
  const raw = readFileSync(path);
  expect([raw.includes('PK\x06\x06'), raw.includes('PK\x06\x07')]).toEqual([true, true]);
});

test('integers beyond 32 bits, texts, negative numbers', async () => {
  const path = join(dir, 'numbers.pt');
  const items = [py.int(2 ** 40), py.int(-(2 ** 40)), py.int(-1), py.int(2 ** 31 - 1), py.int(2 ** 31), py.text('é€')];
  await writeTorchFile(path, py.list([...items, py.float(-0.1), py.none, py.bool(false)]), new Map());
  const file = openTorchFile(path);
  expect(file.value).toEqual([2 ** 40, -(2 ** 40), -1, 2 ** 31 - 1, 2 ** 31, 'é€', -0.1, null, false]);
  file.close();
});

describe('refused', () => {
  test.each<[Partial<ResolvedModel>, RegExp]>([
    [{ arch: 'gpt1' }, /its arch is gpt1/],
    [{ attention_layers: ['local'] }, /it has banded layers/],
    [{ n_inner: 8 }, /its MLP has width 8, not 4 x 4/],
    [{ layer_norm_epsilon: 1e-6 }, /its layer_norm_epsilon is 0.000001, not 1e-5/],
  ])('%j', async (change, message) => {
    const before = readdirSync(dir);
    await expect(written(change)).rejects.toThrow(message);
    await expect(written(change)).rejects.toThrow(DataError);
    expect(readdirSync(dir)).toEqual(before);
  });

  test('a file that exists', async () => {
    const path = join(dir, 'exists.pt');
    writeFileSync(path, 'mine');
    await expect(writeNanoGpt(path, { model, tensors }, { step: 0, bestValLoss: null })).rejects.toThrow(
      /is not overwritten/,
    );
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });
});

test('what nanoGPT does otherwise is said', () => {
  expect(nanoGptDifferences({ ...model, activation_function: 'gelu' })).toEqual([]);
  expect(nanoGptDifferences(model)).toEqual([expect.stringContaining('nanoGPT computes GELU with erf')]);
  expect(nanoGptDifferences({ ...model, activation_function: 'gelu', attn_pdrop: 0 })).toEqual([
    'nanoGPT has one dropout: 0.25, that of the residual branches',
  ]);
});

test.skipIf(!existsSync(FIXTURES))(
  "PyTorch's own file, in and out, storage by storage (needs ../shared/fixtures)",
  async () => {
    const source = join(FIXTURES, 'formats/nanogpt_ckpt.pt');
    const foreign = openNanoGpt(source);
    const path = join(dir, 'fixture.pt');
    await writeNanoGpt(path, foreign, { step: 3, bestValLoss: null });
    foreign.close();
    const [ours, theirs] = [openTorchFile(path), openTorchFile(source)];
    const state = (file: typeof ours) => (file.value as Map<string, Map<string, TorchTensor>>).get('model')!;
    const compared = [...state(theirs)].filter(([name]) => !name.endsWith('.attn.bias'));
    expect(compared.map(([name]) => name)).toEqual([...state(ours).keys()]);
    for (const [name, tensor] of compared) {
      const own = state(ours).get(name)!;
      expect(own.shape).toEqual(tensor.shape);
      expect(ours.readFloat32(name, own)).toEqual(theirs.readFloat32(name, tensor));
    }
    ours.close();
    theirs.close();
  },
);
