// The small files of a checkpoint: config.json, trainer/state.json, latest and best. Beside the damaged file stands a run
// whose other files are whole, with an earlier checkpoint that is whole too.

import { dirname, join } from 'node:path';
import { toHfConfig } from '../../../src/checkpoint/hf.js';
import { CheckpointStore, loadCheckpoint } from '../../../src/checkpoint/store.js';
import { trainerStateText } from '../../../src/checkpoint/trainer_state.js';
import { loadConfig } from '../../../src/config/load.js';
import { tinyContent, tinyModel } from '../../checkpoint/tiny_checkpoint.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const RUN = loadConfig({ file: 'quickstart', flags: [] });

async function prepare(folder: string): Promise<void> {
  const store = new CheckpointStore(folder);
  for (const step of [10, 20]) await store.save(step, tinyContent(step), { best: step === 10 });
}

/** Opens the latest (or best) checkpoint of the run and reads every value, and its configuration where `resumed`. */
function open(run: string, which: 'latest' | 'best' = 'latest', resumed = false): void {
  const checkpoint = loadCheckpoint(run, which);
  try {
    for (const read of [...checkpoint.tensors.values(), ...(checkpoint.trainer?.optimizer.values() ?? [])]) read();
    consistent(checkpoint.tensors.size > 0, 'no parameters');
    const state = checkpoint.trainer?.state;
    if (resumed && state) {
      loadConfig({ stored: { ...state, file: join(checkpoint.dir, 'trainer', 'state.json') }, flags: [] });
    }
  } finally {
    checkpoint.close();
  }
}

const STEP = 'step-000020';
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value, null, 2));
const config = toHfConfig(tinyModel, 10);
const state = { ...tinyContent(20).state, config: RUN.run, origins: RUN.origins() };
const with_ = (key: string, value: unknown): Buffer => json({ ...config, [key]: value });
const raw = (key: string, text: string): Buffer => Buffer.from(`{"${key}":${text},${JSON.stringify(config).slice(1)}`);

const SHAPE_KEYS = ['n_layer', 'n_head', 'n_embd', 'n_positions', 'n_inner', 'vocab_size'];
const NUMBERS = [0, -1, 0.5, 1e9, 2 ** 31, 2 ** 53 - 1, 2 ** 60, '4', null, [4]];
const JUNK = ['', ' ', 'null', '[]', '"', '\0', '\ufeff{}', '{"a":1', nested('[', '', ']', DEEP)].map((s) =>
  Buffer.from(s),
);

const pointer = (name: 'latest' | 'best'): Target => ({
  name: `pointer ${name}`,
  file: name,
  text: true,
  seeds: () => [Buffer.from('step-000010\n'), Buffer.from('step-000020\n'), Buffer.from('step-000020')],
  hostile: () => [
    ...JUNK,
    ...['../', '/', '/etc/passwd', 'step-000030', 'step-', 'step-000020/..', '\u001b[2J', 'a'.repeat(100_000)].map(
      (s) => Buffer.from(s),
    ),
  ],
  dictionary: ['step-', '000010', '000020', '../', '/'],
  prepare,
  slack: 2 ** 16,
  read: (path) => open(dirname(path), name),
});

export const checkpointTargets: readonly Target[] = [
  {
    name: 'config.json',
    file: `${STEP}/config.json`,
    text: true,
    seeds: () => [json(config), Buffer.from(JSON.stringify(config))],
    hostile: () => [
      ...JUNK,
      ...SHAPE_KEYS.flatMap((key) => NUMBERS.map((value) => with_(key, value))),
      with_('attention_layers', []),
      with_('attention_layers', ['local', 'global']),
      with_('attention_layers', Array(50_000).fill('local')),
      with_('attention_layers', { length: 2 ** 31 }),
      with_('model_type', 'llama'),
      with_('model_type', 'openai-gpt'),
      with_('model_type', 'x'.repeat(100_000)),
      with_('tie_word_embeddings', 'x'.repeat(100_000)),
      with_('activation_function', { toString: 1 }),
      with_('scale_attn_weights', { toString: 1 }),
      with_('eos_token_id', 1e300),
      raw('n_layer', '1e999'),
      raw('x', nested('{"a":', '0', '}', DEEP)),
      raw('__proto__', '{"n_layer":1000000000}'),
      Buffer.from(`{"n_layer":1,"n_layer":1000000000,${JSON.stringify(config).slice(1)}`),
      Buffer.from(JSON.stringify({ ...config, tie_word_embeddings: null }).replace('null', nested('[', '', ']', DEEP))),
    ],
    dictionary: [...SHAPE_KEYS.map((key) => `"${key}"`), '"openai-gpt"', '"gpt2"', '"gelu"', '"local"', '1000000000'],
    prepare,
    beside: ['model.safetensors', 'optimizer.safetensors'],
    read: (path) => open(dirname(dirname(path))),
  },
  {
    name: 'state.json',
    file: `${STEP}/trainer/state.json`,
    text: true,
    seeds: () => [Buffer.from(trainerStateText(state, new Date(0)))],
    hostile: () => [
      ...JUNK,
      ...[2, 0, -1, '1', null, 1e300, 'x'.repeat(50_000)].map((v) => json({ format_version: v, ...state })),
      ...[null, [], 'x', 1, { model: null }, { model: [] }, { train: 'x' }, { x: {} }].map((c) =>
        json({ format_version: 1, ...state, config: c }),
      ),
      json({ format_version: 1, ...state, config: { ...RUN.run, model: { ...RUN.run.model, n_layer: 'many' } } }),
      json({ format_version: 1, ...state, config: { ...RUN.run, model: { ...RUN.run.model, n_layer: 1e9 } } }),
      json({ format_version: 1, ...state, origins: null }),
      json({ format_version: 1, ...state, origins: { 'model.n_layer': 1 } }),
      json({ format_version: 1, ...state, step: -1 }),
      json({ format_version: 1, ...state, step: 2 ** 60 }),
      Buffer.from(
        trainerStateText(state, new Date(0)).replace(/"config": \{/, `"config": ${nested('[', '', ']', DEEP)}, "x": {`),
      ),
      Buffer.from(
        trainerStateText(state, new Date(0)).replace(/"config": \{/, '"config": {"__proto__": {"n_layer": 1},'),
      ),
      Buffer.from(
        trainerStateText(state, new Date(0)).replace(
          /"origins": \{/,
          '"origins": {"__proto__": "x", "constructor": "y",',
        ),
      ),
    ],
    dictionary: ['"config"', '"origins"', '"model"', '"train"', '"step"', '"format_version"', '"default"'],
    prepare,
    slack: 2 ** 16,
    read: (path) => open(dirname(dirname(dirname(path))), 'latest', true),
  },
  pointer('latest'),
  pointer('best'),
];
