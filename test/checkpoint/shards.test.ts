import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { nodeFileSystem } from '../../src/base/files.js';
import { readModel, toHfConfig } from '../../src/checkpoint/hf.js';
import { openSafetensors, type TensorSource, writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { openSharded, writeSharded } from '../../src/checkpoint/shards.js';
import { CheckpointStore, loadCheckpoint } from '../../src/checkpoint/store.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { differences, tinyContent, tinyModel } from './tiny_checkpoint.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gpt-shards-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A tensor of so many float32. */
const sized = (name: string, n: number): TensorSource => ({
  name,
  dtype: 'F32',
  shape: [n],
  data: () => Float32Array.from({ length: n }, (_, i) => n + i),
});

const INDEX = 'model.safetensors.index.json';
const index = (): { metadata: object; weight_map: Record<string, string> } =>
  JSON.parse(readFileSync(join(dir, INDEX), 'utf8'));
const writeIndex = (content: unknown) => writeFileSync(join(dir, INDEX), JSON.stringify(content));

describe('writing', () => {
  test('one file without an index, up to the limit', async () => {
    await writeSharded(dir, 'model', [sized('a', 10), sized('b', 15)], { maxBytes: 100 });
    expect(readdirSync(dir)).toEqual(['model.safetensors']);
  });

  test('save_pretrained: in order, a new shard where there is no room, a shard alone for what is too large', async () => {
    // the example in huggingface_hub's documentation: sizes 6, 6, 2, 6, 2, 2 with a limit of 10
    await writeSharded(
      dir,
      'model',
      [6, 6, 2, 6, 2, 2].map((n, i) => sized(`t${i}`, n)),
      { maxBytes: 40 },
    );
    const names = [
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
    ];
    expect(readdirSync(dir).sort()).toEqual([...names, INDEX]);
    expect(index()).toEqual({
      metadata: { total_parameters: 24, total_size: 96 },
      weight_map: { t0: names[0], t1: names[1], t2: names[1], t3: names[2], t4: names[2], t5: names[2] },
    });
    expect(readFileSync(join(dir, INDEX), 'utf8')).toMatch(
      /^\{\n {2}"metadata": \{\n {4}"total_parameters": 24,\n.*\}\n$/s,
    );
    for (const name of names) {
      const file = openSafetensors(join(dir, name));
      expect(file.metadata).toEqual({ format: 'pt' });
      file.close();
    }
  });

  test('a tensor over the limit goes before the shard that is being filled', async () => {
    await writeSharded(dir, 'model', [sized('a', 1), sized('large', 30), sized('b', 1)], { maxBytes: 40 });
    expect(index().weight_map).toEqual({
      a: 'model-00002-of-00002.safetensors',
      b: 'model-00002-of-00002.safetensors',
      large: 'model-00001-of-00002.safetensors',
    });
  });

  test('one tensor at a time is in memory', async () => {
    const order: string[] = [];
    const fs = {
      ...nodeFileSystem,
      write: (fd: number, bytes: Uint8Array) => {
        order.push(`write ${bytes.length}`);
        return nodeFileSystem.write(fd, bytes);
      },
    };
    const source = (name: string, n: number): TensorSource => ({
      name,
      dtype: 'F32',
      shape: [n],
      data: () => {
        order.push(name);
        return new Float32Array(n);
      },
    });
    await writeSharded(dir, 'model', [source('a', 2), source('b', 3), source('c', 4)], { maxBytes: 20, fs });
    expect(order.filter((call) => !/write ([2-9]\d|\d{3,})/.test(call))).toEqual([
      'a',
      'write 8',
      'b',
      'write 12',
      'c',
      'write 16',
    ]);
  });
});

describe('reading', () => {
  const three = () => writeSharded(dir, 'model', [sized('a', 5), sized('b', 6), sized('c', 7)], { maxBytes: 30 });

  test('shards look like one file', async () => {
    await three();
    const file = openSharded(dir, 'model');
    expect(file.names).toEqual(['a', 'b', 'c']);
    expect(file.info('b').shape).toEqual([6]);
    expect([...file.readFloat32('c')]).toEqual([7, 8, 9, 10, 11, 12, 13]);
    expect(() => file.info('d')).toThrow(/index\.json does not name tensor d/);
    file.close();
  });

  test('a single file counts where both are there, as in transformers', async () => {
    await three();
    await writeSafetensors(join(dir, 'model.safetensors'), [sized('x', 1)]);
    const file = openSharded(dir, 'model');
    expect(file.names).toEqual(['x']);
    file.close();
  });

  const rename = (from: string, to: string) => renameSync(join(dir, from), join(dir, to));
  const edit = (change: (map: Record<string, string>) => void) => {
    const content = index();
    change(content.weight_map);
    writeIndex(content);
  };
  const SECOND = 'model-00002-of-00003.safetensors';
  test.each<[string, () => void | Promise<void>, RegExp]>([
    [
      'a missing file',
      () => rename(SECOND, 'away'),
      /says that b is in model-00002-of-00003.safetensors, which is not there$/,
    ],
    [
      'a tensor missing from its shard',
      () => writeSafetensors(join(dir, SECOND), [sized('z', 1)]),
      /says that b is in model-00002.*, but no shard has it$/,
    ],
    [
      'a tensor in another shard',
      () => edit((map) => Object.assign(map, { b: map['a'] })),
      /says that b is in model-00001/,
    ],
    [
      'a tensor in two shards',
      () => writeSafetensors(join(dir, SECOND), [sized('a', 5), sized('b', 6)]),
      /names model-00001.* and model-00002.*, which both hold a$/,
    ],
    [
      'a path out of the folder',
      () => edit((map) => Object.assign(map, { b: '../secret.safetensors' })),
      /puts b into \.\.\/secret.safetensors, outside of its folder$/,
    ],
    ['an absolute path', () => edit((map) => Object.assign(map, { b: '/etc/x.safetensors' })), /outside of its folder/],
    ['a backslash', () => edit((map) => Object.assign(map, { b: '..\\x.safetensors' })), /outside of its folder/],
    [
      'another kind of file',
      () => edit((map) => Object.assign(map, { b: 'config.json' })),
      /no name of a .safetensors file/,
    ],
    ['a number for a file', () => edit((map) => Object.assign(map, { b: 7 })), /puts b into 7/],
    [
      'a file name as long as the index',
      () => edit((map) => Object.assign(map, { b: `${'n'.repeat(50_000)}.safetensors` })),
      /says that b is in n{57}\.\.\., which is not there$/,
    ],
    [
      'a tensor name as long as the index',
      () => edit((map) => Object.assign(map, { ['n'.repeat(50_000)]: 7 })),
      /puts n{57}\.\.\. into 7,/,
    ],
    [
      'lists nested beyond the stack',
      () => {
        const text = `{"weight_map": {"b": ${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
        writeFileSync(join(dir, INDEX), text);
      },
      /puts b into something that .* nested too deeply, which is no name/,
    ],
    ['no weight_map', () => writeIndex({}), /has no object weight_map/],
    ['a list', () => writeIndex([]), /has no object weight_map/],
    ['an empty weight_map', () => writeIndex({ weight_map: {} }), /empty weight_map/],
    ['no JSON', () => writeFileSync(join(dir, INDEX), '{"weight_map": {'), /is no JSON/],
    ['a damaged shard', () => writeFileSync(join(dir, SECOND), 'abc'), /model-00002.*is truncated/],
    [
      'a folder for a shard',
      () => {
        rename(SECOND, 'away');
        mkdirSync(join(dir, SECOND));
      },
      /model-00002/,
    ],
  ])('%s', async (_, damage, message) => {
    await three();
    await damage();
    expect(() => openSharded(dir, 'model')).toThrow(message);
    expect(() => openSharded(dir, 'model')).toThrow(DataError);
  });

  test('neither file nor index', () => {
    expect(() => openSharded(dir, 'model')).toThrow(/model.safetensors: no such file/);
  });
});

test('a model and the moments of a checkpoint come back from shards', async () => {
  const step = (await new CheckpointStore(dir).save(3, tinyContent(3), { best: true })).dir;
  for (const [folder, stem] of [
    [step, 'model'],
    [join(step, 'trainer'), 'optimizer'],
  ] as const) {
    const path = join(folder, `${stem}.safetensors`);
    const file = openSafetensors(path);
    const tensors = file.names.map((name): TensorSource => {
      const data = file.readFloat32(name);
      return { name, dtype: 'F32', shape: file.info(name).shape, data };
    });
    file.close();
    rmSync(path);
    await writeSharded(folder, stem, tensors, { maxBytes: 200 });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.index.json`)).toBe(true);
  }
  expect(await differences(loadCheckpoint(dir, 'latest'), 3)).toEqual([]);
});

test('a missing parameter is named by the index', async () => {
  writeFileSync(join(dir, 'config.json'), JSON.stringify(toHfConfig(tinyModel, 10)));
  const tensors = [...parameterShapes(tinyModel)].map(
    ([name, shape]): TensorSource => ({
      name,
      dtype: 'F32',
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b)),
    }),
  );
  await writeSharded(dir, 'model', tensors.slice(1), { maxBytes: 200 });
  expect(() => readModel(dir)).toThrow(/index.json: tensors missing: transformer.wte.weight$/);
});
