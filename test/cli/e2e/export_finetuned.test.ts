// `gpt export` of fine-tuned checkpoints: transformers' classifiers, merged adapters, PEFT's folders, and refusals.
//
// transformers and PEFT are not here. What they would compute is computed from the written files alone: ids by
// tokenizer.json and its template, hidden states by our Gpt, that of the last token but padding times score.weight.

import { cpSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tf } from '../../../src/base/tf.js';
import { readModel } from '../../../src/checkpoint/hf.js';
import { readPeftFolder } from '../../../src/checkpoint/peft.js';
import { openSafetensors } from '../../../src/checkpoint/safetensors.js';
import { loadCheckpoint } from '../../../src/checkpoint/store.js';
import { Gpt } from '../../../src/model/gpt.js';
import { native } from '../../ops/parity.js';
import { BACKEND, complaint, Workplace } from './gpt.js';

const place = new Workplace();
const LORA = ['--lora.r', '2', '--lora.target_modules', '[c_attn, c_proj, c_fc]'];
const STEP = 'step-000004'; // the first update has a rate of zero, and the best epoch may be that one

/** Twenty rows. */
const rows = (header: string, row: (i: number) => string) =>
  `${[header, ...Array.from({ length: 20 }, (_, i) => row(i))].join('\n')}\n`;
const word = (i: number) => ['Owl', 'dog', 'CAT', 'fox', 'Moon'][i % 5]!;

async function finetune(out: string, task: string, data: string, ...more: string[]): Promise<void> {
  const train = ['--train.max_steps', '4', '--train.learning_rate', '0.03', '--train.lr_schedule', 'constant'];
  const args = ['run', '--task', task, '--data', data, '--out', out, '--backend', BACKEND, ...train, ...more];
  const ended = await place.gpt(['finetune', ...args]);
  if (ended.code !== 0) throw new Error(`exit ${ended.code}\n${ended.stdout}${ended.stderr}`);
}

beforeAll(async () => {
  await tf.setBackend(native === undefined ? 'cpu' : 'native');
  const label = (i: number) => ['yes', 'no', 'maybe'][i % 3]!;
  place.write(
    'class.tsv',
    rows('sentence\tlabel', (i) => `${'so '.repeat(i % 4)}${word(i)} ${i}\t${i % 2 ? 'good' : 'bad'}`),
  );
  place.write(
    'pair.tsv',
    rows('premise\thypothesis\tlabel', (i) => `a ${word(i)}\tthe ${word(i + 1)} ${i}\t${label(i)}`),
  );
  place.write(
    'scores.tsv',
    rows('sentence1\tsentence2\tscore', (i) => `a ${word(i)}\ta ${word(i + 1)}\t${i / 4}`),
  );
  await place.train('run', '--train.max_steps', '2');
  await finetune('class', 'classification', 'class.tsv', '--data.lower_case', 'true');
  await finetune('pair', 'entailment', 'pair.tsv', ...LORA);
  await finetune('similar', 'similarity', 'scores.tsv', ...LORA);
  await finetune('language', 'lm', 'text.txt', '--train.batch_tokens', '128', '--train.eval_tokens', '256', ...LORA);
});
afterAll(() => place.remove());

async function exported(from: string, out: string, ...more: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await place.gpt(['export', from, '--out', out, '--json', ...more]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return (JSON.parse(stdout) as { notes: string[] }).notes;
}

const json = (...names: string[]) => JSON.parse(place.read(...names).toString());

function shapesIn(...names: string[]): Record<string, readonly number[]> {
  const file = openSafetensors(place.path(...names));
  const shapes = Object.fromEntries(file.names.map((name) => [name, file.info(name).shape]));
  file.close();
  return shapes;
}

type Values = ReadonlyMap<string, () => Float32Array<ArrayBuffer>>;
interface TokenizerJson {
  normalizer?: { type: string } | null;
  model: { vocab: Record<string, number>; merges: string[] };
  post_processor: { type: string; special_tokens: Record<string, { ids: number[] }> } & Record<string, Piece[]>;
}
type Piece = { SpecialToken?: { id: string }; Sequence?: { id: 'A' | 'B' } };

/** Ids of one text or two, by a byte tokenizer's tokenizer.json: normalizer, bytes, template. */
function idsBy({ normalizer = null, model, post_processor: template }: TokenizerJson, texts: string[]): number[] {
  expect([model.merges, template.type]).toEqual([[], 'TemplateProcessing']);
  const bytes = Object.entries(model.vocab).sort(([, a], [, b]) => a - b);
  expect(bytes.slice(0, 256).map(([, id]) => id)).toEqual([...Array(256).keys()]); // the stand-in of byte b has id b
  return template[texts.length === 1 ? 'single' : 'pair']!.flatMap(({ SpecialToken, Sequence }) => {
    if (SpecialToken !== undefined) return template.special_tokens[SpecialToken.id]!.ids;
    const text = texts[Sequence!.id === 'A' ? 0 : 1]!;
    return [...Buffer.from(normalizer?.type === 'Lowercase' ? text.toLowerCase() : text)];
  });
}

/** Logits (K) of each text: hidden state at its last token that is not `pad`, times score (K,C). */
function logitsOf(model: Gpt, score: Float32Array, ids: number[][], pad: number): number[][] {
  const T = Math.max(...ids.map(({ length }) => length));
  const C = model.config.n_embd;
  const padded = ids.map((row) => [...row, ...Array<number>(T - row.length).fill(pad)]);
  const hidden = tf.tidy(() => model.hidden(tf.tensor2d(padded, [ids.length, T], 'int32')).dataSync<'float32'>());
  return padded.map((row, b) => {
    const last = b * T + row.findLastIndex((id) => id !== pad);
    const e = hidden.subarray(last * C, (last + 1) * C);
    return Array.from({ length: score.length / C }, (_, k) => e.reduce((sum, x, c) => sum + x * score[k * C + c]!, 0));
  });
}

function softmax(logits: number[]): number[] {
  const most = Math.max(...logits);
  const all = logits.map((x) => Math.exp(x - most));
  return all.map((x) => x / all.reduce((a, b) => a + b));
}

/** What `gpt predict` says about a file, and its texts. */
async function predictions(
  checkpoint: string,
  data: string,
): Promise<{ texts: string[][]; probabilities: number[][] }> {
  const args = ['predict', checkpoint, '--data', data, '--quiet', '--backend', BACKEND];
  const { code, stdout } = await place.gpt(args);
  expect(code).toBe(0);
  const lines = stdout.trim().split('\n');
  const probabilities = lines.map((line) =>
    Object.values((JSON.parse(line) as { probabilities: Record<string, number> }).probabilities),
  );
  const texts = place.read(data).toString().trim().split('\n').slice(1);
  expect(probabilities.length).toBe(20);
  return { probabilities, texts: texts.map((line) => line.split('\t').slice(0, -1)) };
}

function expectClose(found: number[][], expected: number[][]): void {
  const most = Math.max(...expected.flatMap((row, i) => row.map((value, k) => Math.abs(value - found[i]![k]!))));
  expect(found.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  expect(most).toBeLessThan(1e-5);
  // the examples differ: an output that is the same for all of them would prove little
  expect(Math.max(...expected.map(([p]) => p!)) - Math.min(...expected.map(([p]) => p!))).toBeGreaterThan(1e-3);
}

/** Probabilities by an exported folder alone. */
function classifierSays(folder: string, texts: string[][]): number[][] {
  const { model: config, tensors, also, close } = readModel(place.path(folder));
  const { pad_token_id: pad, id2label } = json(folder, 'config.json');
  const K = Object.keys(id2label).length;
  const score = also(new Map([['score.weight', [K, config.n_embd]]])).get('score.weight')!();
  const model = new Gpt(config, tensors);
  close();
  const tokenizer = json(folder, 'tokenizer.json');
  const logits = logitsOf(
    model,
    score,
    texts.map((pair) => idsBy(tokenizer, pair)),
    pad,
  );
  model.dispose();
  return logits.map(softmax);
}

describe('a classifier', () => {
  const CLASSIFIER = Object.fromEntries([
    ['transformer.wte.weight', [260, 32]],
    ['transformer.wpe.weight', [32, 32]],
    ...[0, 1].flatMap((i) => [
      [`transformer.h.${i}.ln_1.weight`, [32]],
      [`transformer.h.${i}.ln_1.bias`, [32]],
      [`transformer.h.${i}.attn.c_attn.weight`, [32, 96]],
      [`transformer.h.${i}.attn.c_attn.bias`, [96]],
      [`transformer.h.${i}.attn.c_proj.weight`, [32, 32]],
      [`transformer.h.${i}.attn.c_proj.bias`, [32]],
      [`transformer.h.${i}.ln_2.weight`, [32]],
      [`transformer.h.${i}.ln_2.bias`, [32]],
      [`transformer.h.${i}.mlp.c_fc.weight`, [32, 128]],
      [`transformer.h.${i}.mlp.c_fc.bias`, [128]],
      [`transformer.h.${i}.mlp.c_proj.weight`, [128, 32]],
      [`transformer.h.${i}.mlp.c_proj.bias`, [32]],
    ]),
    ['transformer.ln_f.weight', [32]],
    ['transformer.ln_f.bias', [32]],
    ['score.weight', [2, 32]],
  ]);

  test('GPT2ForSequenceClassification: its keys and shapes, and the probabilities of gpt predict', async () => {
    expect(await exported(`class/${STEP}`, 'class-hf')).toEqual([
      'GPT2ForSequenceClassification, 2 classes: "bad", "good"',
      'its head has no bias: ours is folded into transformer.ln_f.bias, which changes the language model alone',
    ]);
    expect(place.names('class-hf')).toEqual([
      ...['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'],
    ]);
    expect(shapesIn('class-hf', 'model.safetensors')).toEqual(CLASSIFIER);
    expect(json('class-hf', 'config.json')).toMatchObject({
      architectures: ['GPT2ForSequenceClassification'],
      model_type: 'gpt2',
      vocab_size: 260,
      id2label: { '0': 'bad', '1': 'good' },
      label2id: { bad: 0, good: 1 },
      problem_type: 'single_label_classification',
      pad_token_id: 256,
    });
    expect(json('class-hf', 'tokenizer.json').normalizer).toEqual({ type: 'Lowercase' });
    const { texts, probabilities } = await predictions(`class/${STEP}`, 'class.tsv');
    expectClose(classifierSays('class-hf', texts), probabilities);
    // all but the folded bias are the checkpoint's, and the bias did change
    const ours = place.tensors('class', STEP, 'model.safetensors');
    const theirs = place.tensors('class-hf', 'model.safetensors');
    const differ = [...theirs.keys()].filter((name) => ours.has(name) && !same(ours.get(name)!, theirs.get(name)!));
    expect(differ).toEqual(['transformer.ln_f.bias']);
  });

  test('in half precision: half the bytes, and the same classes', async () => {
    await exported(`class/${STEP}`, 'class-bf16', '--dtype', 'bf16');
    expect(shapesIn('class-bf16', 'model.safetensors')).toEqual(CLASSIFIER);
    expect(json('class-bf16', 'config.json').torch_dtype).toBe('bfloat16');
    const { texts, probabilities } = await predictions(`class/${STEP}`, 'class.tsv');
    const found = classifierSays('class-bf16', texts);
    expect(Math.max(...found.map(([p], i) => Math.abs(p! - probabilities[i]![0]!)))).toBeLessThan(0.02);
  });

  test('of two texts, with adapters merged: the probabilities of gpt predict', async () => {
    const notes = await exported(`pair/${STEP}`, 'pair-hf', '--merge');
    expect(notes[0]).toBe('GPT2ForSequenceClassification, 3 classes: "maybe", "no", "yes"');
    expect(shapesIn('pair-hf', 'model.safetensors')).toEqual({ ...CLASSIFIER, 'score.weight': [3, 32] });
    const { texts, probabilities } = await predictions(`pair/${STEP}`, 'pair.tsv');
    expect(texts[0]!.length).toBe(2);
    expectClose(classifierSays('pair-hf', texts), probabilities);
  });
});

const same = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

describe('PEFT', () => {
  const ADAPTERS = Object.fromEntries(
    [0, 1].flatMap((i) =>
      [
        ['attn.c_attn', 32, 96],
        ['attn.c_proj', 32, 32],
        ['mlp.c_fc', 32, 128],
        ['mlp.c_proj', 128, 32],
      ].flatMap(([layer, inputs, outputs]) => [
        [`base_model.model.transformer.h.${i}.${layer}.lora_A.weight`, [2, inputs]],
        [`base_model.model.transformer.h.${i}.${layer}.lora_B.weight`, [outputs, 2]],
      ]),
    ),
  );
  const SCORE = {
    'base_model.model.score.weight': [3, 32],
    'base_model.model.transformer.ln_f.weight': [32],
    'base_model.model.transformer.ln_f.bias': [32],
  };
  const WEIGHTS = 'adapter_model.safetensors';

  /** The base with adapters and modules on it, as PEFT would make it. */
  function peftSays(folder: string, base: string, texts: string[][]): number[][] {
    const { model: config, tensors, close } = readModel(place.path(base));
    const wide = { ...config, vocab_size: 260 };
    const peft = readPeftFolder(place.path(folder), wide);
    const { 'score.weight': score, ...modules } = Object.fromEntries([...peft.modules]);
    const values: Values = new Map([
      ...tensors,
      ...Object.entries(modules).map(([k, v]) => [k, () => v.read()] as const),
    ]);
    const model = new Gpt(wide, values);
    model.addLora(peft.config, peft.values);
    const tokenizer = json(folder, 'tokenizer.json');
    const ids = texts.map((pair) => idsBy(tokenizer, pair));
    const logits = logitsOf(model, score!.read(), ids, 256);
    close();
    peft.close();
    model.dispose();
    return logits.map(softmax);
  }

  test('a classifier on the checkpoint: SEQ_CLS, with its head', async () => {
    const dir = `pair/${STEP}`;
    expect(await exported(dir, 'pair-peft', '--format', 'peft')).toEqual([
      'the base is to be opened with num_labels=3 ("maybe", "no", "yes") and pad_token_id=256',
      `the base model is ${dir}; --base names another place of it`,
    ]);
    expect(place.names('pair-peft')).toEqual([
      ...['adapter_config.json', WEIGHTS, 'tokenizer.json', 'tokenizer_config.json'],
    ]);
    expect(json('pair-peft', 'adapter_config.json')).toMatchObject({
      base_model_name_or_path: dir,
      task_type: 'SEQ_CLS',
      modules_to_save: ['classifier', 'score', 'ln_f'],
      r: 2,
      fan_in_fan_out: true,
    });
    expect(shapesIn('pair-peft', WEIGHTS)).toEqual({ ...ADAPTERS, ...SCORE });
    const { texts, probabilities } = await predictions(dir, 'pair.tsv');
    expectClose(peftSays('pair-peft', dir, texts), probabilities);
  });

  test('--base: on the pretrained model, with the embedding of the task', async () => {
    const dir = `pair/${STEP}`;
    expect(await exported(dir, 'pair-base', '--format', 'peft', '--base', 'run/step-000002')).toEqual([
      'the base is to be opened with num_labels=3 ("maybe", "no", "yes") and pad_token_id=256',
      'the embedding is in it: that of the base must have 260 rows first (resize_token_embeddings)',
    ]);
    expect(json('pair-base', 'adapter_config.json')).toMatchObject({
      base_model_name_or_path: 'run/step-000002',
      modules_to_save: ['classifier', 'score', 'wte', 'ln_f'],
    });
    const embedding = { 'base_model.model.transformer.wte.weight': [260, 32] };
    expect(shapesIn('pair-base', WEIGHTS)).toEqual({ ...ADAPTERS, ...SCORE, ...embedding });
    const { texts, probabilities } = await predictions(dir, 'pair.tsv');
    expectClose(peftSays('pair-base', 'run/step-000002', texts), probabilities);
  });

  test('a language model, and a task that has no class: CAUSAL_LM, adapters alone', async () => {
    for (const [run, why] of [
      ['language', []],
      ['similar', [expect.stringMatching(/^similarity adds .*: these are the adapters alone, without the head/)]],
    ] as const) {
      const dir = `${run}/${STEP}`;
      expect(await exported(dir, `${run}-peft`, '--format', 'peft')).toEqual([
        ...why,
        `the base model is ${dir}; --base names another place of it`,
      ]);
      expect(place.names(`${run}-peft`)).toEqual(['adapter_config.json', WEIGHTS]);
      expect(shapesIn(`${run}-peft`, WEIGHTS)).toEqual(ADAPTERS);
      expect(json(`${run}-peft`, 'adapter_config.json')).toMatchObject({
        task_type: 'CAUSAL_LM',
        modules_to_save: null,
      });
    }
  });
});

describe('the language model', () => {
  test('merged: the logits of the model with its adapters', async () => {
    expect(await exported(`language/${STEP}`, 'language-hf', '--merge')).toEqual([]);
    const ids = [...Buffer.from('The cat saw a river')];
    const logitsAt = (folder: string, adapters: boolean) => {
      const { model: config, tensors, adapter, close } = loadCheckpoint(place.path(folder), 'best');
      const model = new Gpt(config, tensors);
      if (adapters) model.addLora(adapter!.config, adapter!.values);
      close();
      const logits = tf.tidy(() => model.logits(model.hidden(tf.tensor2d([ids], undefined, 'int32'))).dataSync());
      model.dispose();
      return logits;
    };
    const most = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
    const withAdapters = logitsAt(`language/${STEP}`, true);
    expect(most(logitsAt('language-hf', false), withAdapters)).toBeLessThan(1e-5);
    expect(most(logitsAt(`language/${STEP}`, false), withAdapters)).toBeGreaterThan(1e-2);
  });

  test.each([
    ['hf', 'similar-hf', 'similarity adds the representations of both orders of a pair'],
    ['llmc', 'similar.bin', 'llm.c has language models only'],
  ])('of a task without a class, as %s: without the head and the tokens of the task', async (format, out, why) => {
    const notes = await exported(`similar/${STEP}`, out, '--merge', '--format', format);
    expect(notes[0]).toContain(why);
    expect(notes[0]).toContain('this is the language model, without the head and the tokens of the task');
    const folder = format === 'hf' ? out : 'similar-back';
    if (format === 'llmc') {
      const back = await place.gpt(['import', out, folder, '--tokenizer', 'byte']);
      expect(back).toMatchObject({ code: 0, stderr: '' });
    }
    expect(json(folder, 'config.json')).toMatchObject({ architectures: ['GPT2LMHeadModel'], vocab_size: 257 });
    const shapes = shapesIn(folder, 'model.safetensors');
    expect(shapes['transformer.wte.weight']).toEqual([257, 32]);
    expect(Object.keys(shapes).filter((name) => !name.startsWith('transformer.'))).toEqual([]);
    const greedy = ['--prompt', 'The cat', '--temperature', '0', '--tokens', '8', '--backend', BACKEND];
    const text = await place.gpt(['generate', folder, ...greedy]);
    expect(text).toMatchObject({
      code: 0,
      stdout: (await place.gpt(['generate', `similar/${STEP}`, ...greedy])).stdout,
    });
  });
});

test.each<[string, string[], RegExp, RegExp]>([
  ['adapters and no --merge', ['pair'], /pair\/step-\d+ has LoRA adapters beside/, /add --merge .* --format peft/],
  ['the same for llm.c', ['language', '--format', 'llmc'], /--format llmc holds weights alone/, /add --merge/],
  [
    '--merge without adapters',
    ['class', '--merge'],
    /class\/step-\d+ has no LoRA adapters for --merge/,
    /leave it out/,
  ],
  ['--format peft without', ['run', '--format', 'peft'], /has no LoRA adapters for --format peft/, /leave it out/],
  ['both', ['pair', '--merge', '--format', 'peft'], /--merge leaves no adapters for --format peft/, /one of the two/],
  [
    'peft in bfloat16',
    ['pair', '--format', 'peft', '--dtype', 'bf16'],
    /writes float32, not bf16/,
    /leave out --dtype/,
  ],
  ['--base for hf', ['class', '--base', 'gpt2'], /--base names the base model of --format peft/, /add --format peft/],
])('refused: %s', async (_, args, what, fix) => {
  const refused = complaint(await place.gpt(['export', ...args, '--out', 'refused']));
  expect(refused).toMatchObject({ code: 2, wellFormed: true });
  expect(refused.text).toMatch(what);
  expect(refused.text).toMatch(fix);
  expect(place.names()).not.toContain('refused');
});

test('a head that cannot be folded, a tokenizer that is not there: exit 4, and nothing is left', async () => {
  const copied = (name: string) => cpSync(place.path('class', STEP), place.path(name), { recursive: true });
  copied('flat');
  const weights = place.read('flat', 'model.safetensors');
  const { start, end } = offsets(weights, 'head.weight');
  place.write('flat/model.safetensors', weights.fill(0, start, end));
  copied('bare');
  rmSync(place.path('bare', 'tokenizer.json'));
  for (const [name, message] of [
    ['flat', "the head's bias cannot be folded into a layer norm"],
    ['bare', 'tokenizer.json: there is no such file'],
  ] as const) {
    const refused = complaint(await place.gpt(['export', name, '--out', 'refused']));
    expect(refused).toMatchObject({ code: 4, wellFormed: true });
    expect(refused.text).toContain(message);
    expect(place.names()).not.toContain('refused');
  }
});

/** Where a tensor's bytes are in a safetensors file. */
function offsets(file: Buffer, name: string): { start: number; end: number } {
  const length = Number(file.readBigUInt64LE());
  const header = JSON.parse(file.subarray(8, 8 + length).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const [start, end] = header[name]!.data_offsets;
  return { start: 8 + length + start, end: 8 + length + end };
}
