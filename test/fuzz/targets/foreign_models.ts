// Models of other programs: llm.c's .bin, nanoGPT's .pt (a pickle in a zip), and the index of a sharded Hugging Face
// folder. Half of the cases of .pt damage the pickle alone and give it its true checksum.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type HfModel, readModel, toHfConfig } from '../../../src/checkpoint/hf.js';
import { writeLlmc } from '../../../src/checkpoint/llmc.js';
import { openForeign } from '../../../src/checkpoint/open_foreign.js';
import { writeSharded } from '../../../src/checkpoint/shards.js';
import type { ResolvedModel } from '../../../src/config/model_shape.js';
import { parameterShapes } from '../../../src/config/parameters.js';
import { tinyModel } from '../../checkpoint/tiny_checkpoint.js';
import {
  floats,
  type Pickled,
  py,
  tensor,
  type WrittenTensor,
  type ZipOptions,
  zip,
} from '../../checkpoint/torch_writer.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const SHAPES = [...parameterShapes(tinyModel)];
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Reads every parameter of an open model, and closes it. */
function readAll({ model, tensors, close }: HfModel): void {
  try {
    const shapes = parameterShapes(model);
    consistent(String([...shapes.keys()]) === String([...tensors.keys()]), 'other parameters than the model has');
    for (const [name, shape] of shapes) {
      const { length } = tensors.get(name)!();
      consistent(length === count(shape), `${name} of shape [${shape}] has ${length} values`);
    }
  } finally {
    close();
  }
}

// ---- llm.c

async function llmcFile(dtype: 'F32' | 'BF16', change: Partial<ResolvedModel> = {}): Promise<Buffer> {
  const dir = mkdtempSync(join(tmpdir(), 'gpt-fuzz-llmc-'));
  const model = { ...tinyModel, ...change };
  const tensors = new Map(
    [...parameterShapes(model)].map(([name, shape]) => [name, () => new Float32Array(count(shape)).fill(0.5)]),
  );
  try {
    await writeLlmc(join(dir, 'model.bin'), { model, tensors }, dtype);
    return readFileSync(join(dir, 'model.bin'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** A header that says anything, before as many bytes. */
function llmcHeader(numbers: readonly number[], bytes = 0): Buffer {
  const header = new Int32Array(256);
  header.set(numbers);
  return Buffer.concat([new Uint8Array(header.buffer), Buffer.alloc(bytes)]);
}

const MAGIC = 20240326;
const MOST = 2 ** 31 - 1;

const llmc = (version: 3 | 5): Target => ({
  name: `llm.c v${version}`,
  file: 'case.bin',
  text: false,
  async seeds() {
    const dtype = version === 3 ? 'F32' : 'BF16';
    const small = { n_embd: 2, n_head: 1, n_inner: 8, n_ctx: 1, vocab_size: 1 };
    return [
      await llmcFile(dtype),
      await llmcFile(dtype, { ...small, n_layer: 2, attention_layers: ['global', 'global'] }),
    ];
  },
  hostile: () => [
    ...[20240327, 20240328, 20240520, 20240522, 20240527, 0, -1, MOST].map((magic) => llmcHeader([magic, version])),
    ...[0, 1, 2, 4, 6, -1, MOST].map((other) => llmcHeader([MAGIC, other, 8, 11, 1, 2, 4, 128])),
    llmcHeader([MAGIC, version, MOST, MOST, MOST, MOST, MOST, MOST]),
    llmcHeader([MAGIC, version, MOST, MOST, 10_000, 1, MOST, MOST]),
    llmcHeader([MAGIC, version, 1, 1, MOST, 1, 1, 1], 4096),
    llmcHeader([MAGIC, version, 1, 1, 10_000, 1, 1, 1], 4096),
    llmcHeader([MAGIC, version, 0, 0, 0, 0, 0, 0]),
    llmcHeader([MAGIC, version, 8, 11, 1, 0, 4, 128]),
    llmcHeader([MAGIC, version, 8, 11, 1, -2, 4, 128]),
    llmcHeader([MAGIC, version, 8, 128, 1, 2, 4, 11]),
    llmcHeader([MAGIC, version, 8, 11, 0, 2, 4, 128], version === 3 ? 2208 : 1104), // no layers, and the right size
    llmcHeader([MAGIC, version]).subarray(0, 1023),
    llmcHeader([MAGIC, version]).subarray(0, 4),
    llmcHeader([MAGIC, version]).subarray(0, 3),
    Buffer.alloc(0),
  ],
  read: (path) => readAll(openForeign(path)),
});

// ---- nanoGPT

type Entries = [string, Pickled][];

const ARGS: Entries = [
  ['n_layer', py.int(1)],
  ['n_head', py.int(2)],
  ['n_embd', py.int(4)],
  ['block_size', py.int(8)],
  ['bias', py.bool(true)],
  ['vocab_size', py.int(11)],
  ['dropout', py.float(0.25)],
];
const WTE = 'transformer.wte.weight';
const isLinear = (name: string): boolean => /c_(attn|proj|fc)\.weight$/.test(name);

/** All parameters, one after the other in one storage, and the head in the place of the embedding. */
function state(change: (tensors: Map<string, WrittenTensor>) => void = () => {}): Pickled {
  const tensors = new Map<string, WrittenTensor>();
  let offset = 0;
  for (const [name, shape] of SHAPES) {
    tensors.set(name, { key: '0', length: VALUES, offset, shape: isLinear(name) ? [...shape].reverse() : shape });
    offset += count(shape);
  }
  tensors.set('lm_head.weight', tensors.get(WTE)!);
  change(tensors);
  return py.dict([...tensors].map(([name, written]) => [name, tensor(written)]));
}

const VALUES = SHAPES.reduce((sum, [, shape]) => sum + count(shape), 0);
const STORAGE = floats(new Float32Array(VALUES).fill(0.5));

interface Parts {
  readonly pickle: Buffer;
  readonly storages: readonly (readonly [string, Uint8Array])[];
  readonly options: ZipOptions;
}

const archives = new WeakMap<Buffer, Parts>();

function archive(parts: Parts): Buffer {
  const { pickle, storages, options } = parts;
  const data = storages.map(([key, bytes]) => [`a/data/${key}`, bytes] as const);
  const file = zip([['a/data.pkl', pickle], ...data, ['a/version', Buffer.from('3')]], options);
  archives.set(file, parts);
  return file;
}

const one = [['0', STORAGE]] as const;
const checkpoint = (entries: Entries, options: ZipOptions = {}, storages: Parts['storages'] = one): Buffer =>
  archive({ pickle: py.program(py.dict(entries)), storages, options });
const withArgs = (...args: Entries): Buffer =>
  checkpoint([
    ['model', state()],
    ['model_args', py.dict([...ARGS, ...args])],
  ]);
const whole: Entries = [
  ['model', state()],
  ['model_args', py.dict(ARGS)],
  ['iter_num', py.int(7)],
];
const raw = (...codes: (string | Uint8Array)[]): Buffer =>
  archive({ pickle: Buffer.concat(codes.map((c) => Buffer.from(c as string, 'latin1'))), storages: one, options: {} });

const changed = (name: string, change: Partial<WrittenTensor>): Buffer =>
  checkpoint([
    ['model', state((tensors) => tensors.set(name, { ...tensors.get(name)!, ...change }))],
    ['model_args', py.dict(ARGS)],
  ]);

/** A list of two lists, each of the same two lists, 60 deep: as text it would have 2^60 commas. */
const doubled = Buffer.from(`(]q\0${'](h\0h\0eq\0'.repeat(60)}t`);
const last = Buffer.from('h\0');

const nanoGpt: Target = {
  name: 'nanoGPT .pt',
  file: 'case.pt',
  text: false,
  seeds: () => [
    checkpoint(whole),
    checkpoint(whole, { zip64: true, comment: 'a comment' }),
    checkpoint(
      [
        ['model_args', py.dict(ARGS)],
        ['model', state((tensors) => tensors.set('lm_head.weight', { key: 'head', length: 44, shape: [11, 4] }))],
        [
          'config',
          py.dict([
            ['dtype', py.str('float16')],
            ['x', py.none],
          ]),
        ],
      ],
      {},
      [...one, ['head', floats(new Float32Array(44).fill(0.5))]],
    ),
  ],
  hostile: () => [
    checkpoint([...whole, ['x', py.call(py.global('os', 'system'), py.str('touch executed'))]]),
    checkpoint([...whole, ['x', py.global('builtins', 'eval')]]),
    checkpoint([...whole, ['x', py.global('n'.repeat(50_000), 'f')]]),
    checkpoint([['n'.repeat(50_000), py.none], ...whole]),
    checkpoint([
      ['model', py.dict([['n'.repeat(50_000), py.none]])],
      ['model_args', py.dict(ARGS)],
    ]),
    checkpoint([['model', state()]]),
    checkpoint(whole, { method: 8 }),
    checkpoint(whole, { flags: 1 }),
    checkpoint(whole, { crc: (crc) => crc ^ 1 }),
    ...[0, -1, 3, 1e9, MOST].flatMap((n) =>
      ['n_layer', 'n_head', 'n_embd', 'block_size', 'vocab_size', 'bias', 'dropout'].map((key) =>
        withArgs([key, py.int(n)]),
      ),
    ),
    withArgs(['dropout', py.str('d'.repeat(50_000))]),
    withArgs(['n_layer', py.float(Number.NaN)]),
    withArgs(['n_layer', py.float(1e308)]),
    withArgs(['bias', py.bool(false)]), // the biases are there all the same
    changed(WTE, { shape: [2 ** 30, 4], strides: [0, 0] }),
    changed(WTE, { shape: [MOST, MOST, MOST, MOST], strides: [0, 0, 0, 0] }),
    changed(WTE, { shape: [0, MOST] }),
    changed(WTE, { shape: Array(9).fill(1) }),
    changed(WTE, { strides: [MOST, MOST] }),
    changed(WTE, { offset: MOST }),
    changed(WTE, { offset: -1 }),
    changed(WTE, { length: MOST }),
    changed(WTE, { key: 'k'.repeat(50_000) }),
    changed(WTE, { key: '../data.pkl' }),
    changed(WTE, { type: 'DoubleStorage' }),
    changed(WTE, { type: 'ByteStorage' }),
    changed('n'.repeat(50_000), { key: '0', length: VALUES, shape: [1] }),
    changed('transformer.h.1.ln_1.weight', { key: '0', length: VALUES, shape: [4] }),
    raw('\x80\x02', '('.repeat(DEEP), '.'),
    raw('\x80\x02', ']'.repeat(DEEP), 'a'.repeat(DEEP - 1), '.'), // a list in a list in a list
    raw('\x80\x02', ']'.repeat(DEEP), '\x85'.repeat(DEEP), '.'),
    raw('\x80\x02', '}'.repeat(250_000), '.'),
    raw('\x80\x02', ']\x94', 'h\0a'.repeat(20_000), '.'), // a list that holds itself
    raw('\x80\x02', '}\x94', 'X\x05\0\0\0modelh\0s', '.'), // a dict that is its own model
    raw('\x80\x02', ']\x94', `X\x0a\0\0\0model_args}(X\x07\0\0\0dropouth\0h\0aus`, '.'),
    checkpoint([['x', doubled], ['y', Buffer.concat([last, py.str('f'), Buffer.from('\x93', 'latin1')])], ...whole]),
    checkpoint([
      ['x', doubled],
      ['model', Buffer.concat([Buffer.from('}'), last, Buffer.from('Ns')])],
      ...whole.slice(1),
    ]),
    checkpoint([['x', doubled], ...whole.slice(0, 1), ['model_args', py.dict([...ARGS, ['dropout', last]])]]),
    checkpoint([['x', doubled], ['iter_num', last], ...whole.slice(0, 2)]),
    raw('\x80\x02', 'X\xff\xff\xff\xff', '.'),
    raw('\x80\x02', 'X\xff\xff\xff\x7f', '.'),
    raw('\x80\x02', 'B\xff\xff\xff\x7f', '.'),
    raw('\x80\x02', '\x8a\xff', '.'),
    raw('\x80\x02', 'N'.repeat(1_000_000), '.'),
    raw('\x80\x02', 'K\0q\0', 'h\0'.repeat(1_000_000), '.'),
    raw('\x80\x02', `c${'m'.repeat(100_000)}`),
    raw('\x80\x04', '\x95\xff\xff\xff\xff\xff\xff\xff\xff', 'N.'),
    raw('\x80\x06N.'),
    raw('cos\nsystem\n(S"ls"\ntR.'),
    raw('.'),
    raw(''),
    Buffer.concat([checkpoint(whole), Buffer.from('and more')]),
    Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(30)]),
    Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from('PK\x05\x06'), Buffer.alloc(18)]),
    Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from('PK\x05\x06'), Buffer.alloc(16, 0xff), Buffer.alloc(2)]),
    Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100_000, 'PK\x05\x06')]),
    zip([['a/readme', Buffer.from('x')]]),
    zip([
      ['a/data.pkl', Buffer.from('N.')],
      ['a/byteorder', Buffer.from('big')],
    ]),
    zip(
      [
        ['a/data.pkl', Buffer.from('N.')],
        [`a/${'n'.repeat(60_000)}`, Buffer.from('x')],
      ],
      { method: 8 },
    ),
    zip(Array.from({ length: 5000 }, (_, i) => [`a/data/${i}`, Buffer.alloc(0)] as const)),
  ],
  inner(file) {
    const parts = archives.get(file);
    return parts && { body: parts.pickle, text: false, wrap: (pickle) => archive({ ...parts, pickle }) };
  },
  read: (path) => readAll(openForeign(path)),
};

// ---- a folder with a state dict of PyTorch's

/** Linear weights are (in, out) here. */
const alone = (change: (tensors: Map<string, WrittenTensor>) => void = () => {}): Buffer => {
  const turned = state((tensors) => {
    for (const [name, tensor] of tensors) {
      if (isLinear(name)) tensors.set(name, { ...tensor, shape: [...tensor.shape].reverse() });
    }
    change(tensors);
  });
  return archive({ pickle: py.program(turned), storages: one, options: {} });
};

const stateDict: Target = {
  name: 'pytorch_model.bin',
  file: 'pytorch_model.bin',
  text: false,
  seeds: () => [
    alone(),
    alone((tensors) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name);
        tensors.set(name.replace('transformer.', ''), tensor);
      }
    }),
  ],
  hostile: () => [
    archive({ pickle: py.program(py.none), storages: one, options: {} }),
    archive({ pickle: py.program(py.dict([['x', py.int(1)]])), storages: one, options: {} }),
    archive({ pickle: py.program(py.dict([])), storages: one, options: {} }),
    archive({ pickle: py.program(py.call(py.global('os', 'system'), py.str('touch x'))), storages: one, options: {} }),
    alone((tensors) => tensors.set('n'.repeat(50_000), { key: '0', length: VALUES, shape: [1] })),
    alone((tensors) => tensors.set('wte.weight', tensors.get(WTE)!)),
    alone((tensors) => tensors.delete(WTE)),
    Buffer.from('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'),
    Buffer.from('\x80\x02\x8a\x0al', 'latin1'),
    Buffer.alloc(0),
  ],
  inner: (file) => nanoGpt.inner!(file),
  prepare: (folder) => writeFileSync(join(folder, 'config.json'), JSON.stringify(toHfConfig(tinyModel, 10))),
  read: (path) => readAll(openForeign(dirname(path))),
};

// ---- OpenAI's GPT-1: the header of one of its arrays

const GPT1 = parameterShapes({ ...tinyModel, arch: 'gpt1', n_embd: 64, n_head: 1, n_inner: 256 });
const GPT1_VALUES = [...GPT1.values()].reduce((sum, shape) => sum + count(shape), 0);

function npy(length: number, header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${length},), }`): Buffer {
  const text = Buffer.from(`${header}\n`);
  const start = Buffer.from(`\x93NUMPY\x01\x00`, 'latin1');
  return Buffer.concat([start, Buffer.from(Uint16Array.of(text.length).buffer), text, Buffer.alloc(4 * length)]);
}

const gpt1: Target = {
  name: 'GPT-1 .npy',
  file: 'params_1.npy',
  text: false,
  seeds: () => [npy(16)],
  hostile: () => [
    ...[
      '',
      '{}',
      "{'descr': '<f8', 'shape': (16,)}",
      `{'descr': '<f4', 'fortran_order': False, 'shape': (${'9'.repeat(40)},), }`,
    ].map((header) => npy(16, header)),
    npy(17),
    npy(0),
    npy(16, 'x'.repeat(60_000)),
    Buffer.concat([Buffer.from('\x93NUMPY\x02\x00', 'latin1'), Buffer.alloc(8, 0xff)]),
    Buffer.concat([Buffer.from('\x93NUMPY\x09\x00', 'latin1'), Buffer.alloc(8, 0xff)]),
    Buffer.alloc(0),
  ],
  prepare: (folder) => {
    const [tokens, positions, ...rest] = [...GPT1].map(([name, shape]) =>
      name.includes('.h.') && shape.length === 2 ? [1, ...shape] : shape,
    );
    writeFileSync(join(folder, 'params_shapes.json'), JSON.stringify([positions, tokens, ...rest]));
    writeFileSync(join(folder, 'params_0.npy'), npy(GPT1_VALUES - 16));
  },
  beside: ['params_*.npy', 'params_shapes.json'],
  read: (path) => readAll(openForeign(dirname(path))),
};

// ---- a folder in shards

const INDEX = 'model.safetensors.index.json';
const names = SHAPES.map(([name]) => name);
const [FIRST, SECOND] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;

async function writeFolder(folder: string): Promise<void> {
  const sources = SHAPES.map(([name, shape]) => ({
    ...{ name, shape, dtype: 'F32' as const },
    data: () => new Float32Array(count(shape)).fill(0.5),
  }));
  const [wte, ...rest] = sources;
  await writeSharded(folder, 'model', sources, { maxBytes: 4 * (VALUES - count(wte!.shape)) });
  await writeSharded(folder, 'other', rest); // of the same names, for an index that mixes the two
  writeFileSync(join(folder, 'config.json'), JSON.stringify(toHfConfig(tinyModel, 10)));
}

let written: Buffer | undefined;

/** What writeSharded() writes. */
async function index(): Promise<Buffer> {
  if (written) return written;
  const dir = mkdtempSync(join(tmpdir(), 'gpt-fuzz-shards-'));
  try {
    await writeFolder(dir);
    written = readFileSync(join(dir, INDEX));
    return written;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const map = (weightMap: unknown): Buffer => Buffer.from(JSON.stringify({ metadata: {}, weight_map: weightMap }));
const all = (file: unknown): Record<string, unknown> => Object.fromEntries(names.map((name) => [name, file]));

const shards: Target = {
  name: 'shard index',
  file: INDEX,
  text: true,
  seeds: async () => [await index(), Buffer.from(JSON.stringify(JSON.parse(String(await index()))))],
  hostile: () => [
    ...['', ' ', 'null', '[]', '"', '{}', '\0', '\ufeff{}', '{"weight_map":', nested('[', '', ']', DEEP)].map((text) =>
      Buffer.from(text),
    ),
    ...[null, [], 'x', 1, {}].map(map),
    ...[1, null, [], '', 'x', FIRST, SECOND, 'other.safetensors', '.safetensors', 'config.json'].map((file) =>
      map(all(file)),
    ),
    map(all('../model.safetensors')),
    map(all('/etc/passwd.safetensors')),
    map(all('a\\b.safetensors')),
    map(all('a\0.safetensors')),
    map(all('\u001b[2J.safetensors')),
    map(all(`${'n'.repeat(50_000)}.safetensors`)),
    map({ ...all(FIRST), ['n'.repeat(50_000)]: 1 }),
    map({ ['n'.repeat(50_000)]: FIRST }),
    map({ ['n'.repeat(50_000)]: 'x.safetensors' }),
    map({ ...all(FIRST), [names[0]!]: 'other.safetensors' }),
    map(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`t${i}`, `${i}.safetensors`]))),
    map(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`t${i}`, FIRST]))),
    Buffer.from(`{"weight_map":{"a":${nested('[', '', ']', DEEP)}}}`),
    Buffer.from(`{"weight_map":${nested('{"a":', '0', '}', DEEP)}}`),
    Buffer.from(`{"metadata":${nested('[', '', ']', DEEP)},"weight_map":{"a":"${FIRST}"}}`),
    Buffer.from(`{"weight_map":{"__proto__":"${FIRST}"}}`),
    Buffer.from(`{"weight_map":{"a":"${FIRST}","a":"${SECOND}"}}`),
    Buffer.from(`{"__proto__":{"weight_map":{"a":"${FIRST}"}}}`),
    Buffer.alloc(10_000_001, ' '),
  ],
  dictionary: [
    `"${FIRST}"`,
    `"${SECOND}"`,
    '"other.safetensors"',
    '"weight_map"',
    '"../x.safetensors"',
    ...names.map((n) => `"${n}"`),
  ],
  prepare: writeFolder,
  beside: [FIRST, SECOND, 'other.safetensors'],
  read: (path) => readAll(readModel(dirname(path))),
};

export const foreignModelTargets: readonly Target[] = [llmc(3), llmc(5), nanoGpt, stateDict, gpt1, shards];
