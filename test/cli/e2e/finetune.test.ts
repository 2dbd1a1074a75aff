// `gpt finetune`, `gpt predict` and `gpt eval --task`, from a pretrained model to labels of new examples.

import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunEvent } from '../../../src/base/events.js';
import { BACKEND, type Ended, Workplace } from './gpt.js';
import { BRIEF, FEELING, feeling, filesOf, N_CTX, pretrain, ROWS, writeSets } from './tasks.js';

const place = new Workplace();
beforeAll(async () => {
  writeSets(place);
  await pretrain(place, 'base');
  await finetune('plain', ...FEELING);
});
afterAll(() => place.remove());

async function succeeds(args: readonly string[]): Promise<Ended> {
  const ended = await place.gpt(args);
  if (ended.code !== 0) throw new Error(`exit ${ended.code}\n${ended.stdout}${ended.stderr}`);
  return ended;
}

/** Trains `base` on a task. */
const finetune = (out: string, ...args: string[]) => succeeds(['finetune', 'base', ...BRIEF, '--out', out, ...args]);

type Line = Record<string, unknown> & { place: string; probabilities: Record<string, number> | number[] };
const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

const bytesOf = (values: Float32Array): string =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
const weights = (run: string, step: string) => place.tensors(run, step, 'model.safetensors');
const finalsOf = (run: string) => place.events(run, 'eval').filter((e) => e.settings?.['which'] === 'final');

describe.each([
  {
    task: 'classification',
    set: 'feeling.tsv',
    flags: [],
    about: { form: 'classification', objective: 'classes', readout: null, metric: 'accuracy', labels: ['bad', 'good'] },
    sequences: 1,
    says: ['classification of 2 classes', 'majority', 'confused', 'gold by row', 'errors'],
  },
  {
    task: 'entailment',
    set: 'inference.jsonl',
    flags: [],
    about: {
      form: 'entailment',
      objective: 'classes',
      readout: null,
      labels: ['contradiction', 'entailment', 'neutral'],
    },
    sequences: 1,
    says: ['entailment of 3 classes', 'majority', 'confused', 'errors'],
  },
  {
    task: 'similarity',
    set: 'same.csv',
    flags: ['--readout', 'cosine'],
    about: { form: 'similarity', objective: 'classes', readout: 'cosine', labels: ['0', '1'] },
    sequences: 2,
    says: ['similarity of 2 classes by cosine', 'majority', 'confused'],
  },
  {
    task: 'similarity',
    set: 'score.csv',
    flags: ['--objective', 'regression'],
    about: { form: 'similarity', objective: 'regression', readout: 'pair', metric: 'pearson', labels: [] },
    sequences: 2,
    says: ['similarity, a score', 'mean score', 'Pearson', 'Spearman', 'what is predicted where gold is'],
  },
  {
    task: 'multiple-choice',
    set: 'ending.jsonl',
    flags: [],
    about: { form: 'multiple-choice', objective: 'choice', readout: null, metric: 'accuracy', labels: [] },
    sequences: null,
    says: ['multiple-choice', 'chance', 'accuracy'],
  },
])('$task on $set $flags', ({ task, set, flags, about, sequences, says }) => {
  const run = `run-${set}`;
  const testFile = set.replace('.', '.test.');
  let ended: Ended;
  beforeAll(async () => {
    ended = await finetune(run, '--task', task, ...filesOf(set), ...flags);
  });

  test('the log says what it trains on, and how well it does', () => {
    const lines = place.read(run, 'run.jsonl').toString().trimEnd().split('\n');
    expect(lines.map((line) => RunEvent.parse(JSON.parse(line)))).toEqual(lines.map((line) => JSON.parse(line)));

    const [start] = place.events(run, 'start');
    expect(start!.task).toMatchObject({ ...about, format: 'rows', lm_coef: 0.5 });
    expect(start!.task!.splits.map(({ name, examples, skipped }) => ({ name, examples, skipped }))).toEqual(
      Object.entries(ROWS).map(([name, examples]) => ({ name, examples, skipped: 0 })),
    );
    for (const split of start!.task!.splits) {
      if (sequences !== null) expect(split.sequences).toBe(sequences * split.examples);
      const counted = Object.values(split.classes).reduce((a, b) => a + b, 0);
      expect(counted).toBe(about.labels.length > 0 ? split.examples : 0);
      // the long text, and no other
      expect(split.truncated).toBe(split.name === 'train' ? 1 : 0);
      if (split.name === 'train') expect(split.length.max).toBe(N_CTX);
      else expect(split.length.max).toBeLessThan(N_CTX);
    }

    const steps = place.events(run, 'step');
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    for (const { loss, task_loss, lm_loss, padding } of steps) {
      expect(loss).toBeCloseTo(task_loss! + 0.5 * lm_loss!, 4);
      expect(padding).toBeGreaterThanOrEqual(0);
      expect(padding).toBeLessThan(1);
    }
    // after the epoch, after the last update, and the best one measured
    const evals = place.events(run, 'eval');
    const seen = evals.map(({ name, step, epoch }) => ({ name, step, epoch }));
    const [end] = place.events(run, 'end');
    const best = end!.best_step!;
    expect(seen).toEqual([
      { name: 'val', step: 3, epoch: 1 },
      { name: 'val', step: 4, epoch: 4 / 3 },
      { name: 'val', step: best, epoch: best / 3 },
      { name: 'test', step: best, epoch: best / 3 },
    ]);
    const metric = start!.task!.metric;
    const values = evals.slice(0, 2).map(({ metrics }) => metrics[metric]!.value);
    expect(end).toMatchObject({ reason: 'done', step: 4, best_metric: { name: metric, value: Math.max(...values) } });
    const [val, test] = finalsOf(run);
    expect(val!.metrics[metric]!.value).toBe(end!.best_metric!.value);
    expect(test!.metrics[metric]).toMatchObject({ n: ROWS.test, stderr: expect.any(Number) });
    expect(Object.keys(test!.baseline!.metrics)).toContain(metric);
  });

  test('leaves a checkpoint that knows its task, and a report', () => {
    expect(place.names(run, 'step-000004')).toEqual([
      ...['config.json', 'generation_config.json', 'model.safetensors', 'task.json', 'tokenizer.json', 'trainer'],
    ]);
    expect(JSON.parse(place.read(run, 'step-000004', 'task.json').toString())).toMatchObject({
      ...{ form: about.form, labels: about.labels, start: 257, delimiter: 258, extract: 259 },
    });
    expect(JSON.parse(place.read(run, 'step-000004', 'config.json').toString())).toMatchObject({ vocab_size: 260 });
    const outputs = Math.max(1, about.labels.length);
    const tensors = weights(run, 'step-000004');
    expect(tensors.get('head.weight')).toHaveLength(about.readout === 'cosine' ? outputs : 32 * outputs);
    expect(tensors.get('head.bias')).toHaveLength(outputs);
    const html = place.read(run, 'report.html').toString();
    expect(html).toContain(`<svg`);
    expect(html.match(/(src|href)="https?:/g)).toBeNull();
    expect(JSON.parse(place.read(run, 'report.json').toString())).toMatchObject({
      run: { task: { form: about.form } },
      evaluations: expect.arrayContaining(finalsOf(run).map(({ metrics }) => expect.objectContaining({ metrics }))),
    });
  });

  test('says so on the terminal', () => {
    const table = [
      'split',
      'examples',
      'truncated',
      'baseline',
      'task',
      'epoch 1',
      'val loss',
      'best',
      'value ± error',
    ];
    const next = [`predict ${run} --data`, `eval ${run} --task ${task} --data`, `report   ${run}/report.html`];
    for (const text of [...says, ...table, ...next]) expect(ended.stdout).toContain(text);
    expect(ended.stdout).not.toMatch(/NaN|undefined| 0 B /);
    expect(ended.stderr).toBe('');
  });

  test('gpt eval --task finds the same, and gpt predict the labels behind it', async () => {
    const [, final] = finalsOf(run);
    const evaluated = await succeeds(['eval', run, '--task', task, '--data', testFile, '--backend', BACKEND, '--json']);
    const event = JSON.parse(evaluated.stdout) as RunEvent & { type: 'eval' };
    const { metrics, confusion, scatter, errors } = final!;
    expect(event).toMatchObject({ name: testFile, metrics, ...(confusion ? { confusion } : {}) });
    expect([event.scatter, event.errors]).toEqual([scatter, errors]);

    const { stdout, stderr } = await succeeds(['predict', run, '--data', testFile, '--backend', BACKEND]);
    expect(stderr).toContain(`${ROWS.test} examples, 0 skipped, 0 cut`);
    const lines = linesOf(stdout);
    expect(lines).toHaveLength(ROWS.test);
    for (const { probabilities } of about.objective === 'regression' ? [] : lines) {
      const values = Object.values(probabilities);
      expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      expect(values.every((p) => p > 0 && p < 1)).toBe(true);
    }
    if (about.objective === 'regression') {
      expect(lines.map(({ score }) => score)).toEqual(scatter!.map(([, predicted]) => predicted));
    } else if (about.objective === 'choice') {
      const right = lines.filter(({ answer }, i) => answer === (ROWS.train + ROWS.val + i) % 2).length;
      expect(right / lines.length).toBeCloseTo(metrics['accuracy']!.value, 12);
      expect(new Set(lines.map(({ probabilities }) => (probabilities as number[]).length))).toEqual(new Set([2, 3, 4]));
    } else {
      const counts = about.labels.map((_, p) => lines.filter(({ label }) => label === about.labels[p]).length);
      const columns = about.labels.map((_, p) => confusion!.counts.reduce((sum, row) => sum + row[p]!, 0));
      expect(counts).toEqual(columns);
      expect(confusion!.counts.flat().reduce((a, b) => a + b, 0)).toBe(ROWS.test);
    }
  });
});

describe('the same seed, the same result', () => {
  const LONG = ['--train.max_steps', '60', '--train.eval_every', '20', '--train.save_every', '20', '--train.keep', '9'];
  const flags = [...FEELING, '--backend', BACKEND, '--train.batch_size', '8', '--train.log_every', '1', ...LONG];

  test.each([
    ['all weights', [], '3'],
    ['LoRA', ['--lora.r', '2', '--lora.dropout', '0.2', '--train.optimizer', 'adamw'], '1'],
    ['a frozen layer', ['--finetune.freeze_layers', '1', '--finetune.class_weights', 'balanced'], '1'],
  ])('%s: interrupted by Ctrl-C, it goes on to the same bytes', async (name, more, threads) => {
    const [straight, stopped] = [`${name} straight`, `${name} stopped`];
    await succeeds(['finetune', 'base', ...flags, ...more, '--out', straight]);
    const running = place.start(['finetune', 'base', ...flags, ...more, '--out', stopped]);
    await running.says('step 30/');
    running.process.kill('SIGINT');
    const ended = await running.ended;
    expect({ ...ended, stdout: '' }).toMatchObject({ code: 130, stderr: expect.stringContaining('once more to exit') });
    expect(ended.stdout).toContain('finetune --resume');
    expect(place.events(stopped, 'end')[0]).toMatchObject({ reason: 'interrupted' });
    const { step } = place.events(stopped, 'checkpoint').at(-1)!;
    expect(step).toBeGreaterThanOrEqual(30);
    expect(step).toBeLessThan(60);
    expect(finalsOf(stopped)).toEqual([]);

    const { stdout } = await succeeds(['finetune', '--resume', stopped, '--threads', threads]);
    expect(stdout).toContain(`goes on from step ${step}`);
    expect(place.state(stopped, 'step-000060')).toEqual(place.state(straight, 'step-000060'));
    expect(place.losses(stopped)).toEqual(place.losses(straight));
    const measured = (run: string) => place.events(run, 'eval').map(({ seconds: _, ...rest }) => rest); // in the order of the log: none twice, none missing
    expect(measured(stopped)).toEqual(measured(straight));
    expect(place.events(stopped, 'end').at(-1)!.best_metric).toEqual(place.events(straight, 'end')[0]!.best_metric);
    expect(place.read(stopped, 'best')).toEqual(place.read(straight, 'best'));
    if (name === 'LoRA') {
      const adapter = (run: string) => place.read(run, 'step-000060', 'adapter', 'adapter_model.safetensors');
      expect(adapter(stopped)).toEqual(adapter(straight));
    }
  });

  test('from an earlier step of a run, too; a finished run says that it has all of its steps', async () => {
    const run = 'all weights again';
    cpSync(place.path('all weights straight'), place.path(run), { recursive: true });
    const done = await place.gpt(['finetune', '--resume', run]);
    expect(done).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('has all of the 60 steps') });
    await succeeds(['finetune', '--resume', `${run}/step-000020`]);
    expect(place.state(run, 'step-000060-2')).toEqual(place.state('all weights straight', 'step-000060'));
  });

  test('another seed, other bytes', async () => {
    await finetune('other seed', ...FEELING, '--train.seed', '2');
    expect(place.losses('other seed')).not.toEqual(place.losses('plain'));
  });
});

describe('gpt predict', () => {
  const run = 'plain';
  const predict = (...args: string[]) => place.gpt(['predict', run, '--backend', BACKEND, ...args]);

  test('needs no labels; --out takes the lines, and nothing that exists is overwritten', async () => {
    const rows = Array.from({ length: 6 }, (_, i) => feeling(i)[0]!);
    place.write('new.jsonl', rows.map((sentence) => JSON.stringify({ sentence })).join('\n'));
    const { code, stdout, stderr } = await predict('--data', 'new.jsonl', '--out', 'labels.jsonl');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('written to labels.jsonl');
    const text = place.read('labels.jsonl').toString();
    const lines = linesOf(text);
    expect(lines.map((line) => line.place)).toEqual(rows.map((_, i) => `new.jsonl:${i + 1}`));
    for (const { label, probability, probabilities } of lines) {
      expect(Object.keys(probabilities)).toEqual(['bad', 'good']);
      expect(probability).toBe(Math.max(...Object.values(probabilities)));
      expect((probabilities as Record<string, number>)[label as string]).toBe(probability);
    }
    expect(await predict('--data', 'new.jsonl', '--out', 'labels.jsonl')).toMatchObject({ code: 4 });
    expect(place.read('labels.jsonl').toString()).toBe(text);
    expect((await predict('--data', 'new.jsonl')).stdout).toBe(text);
  });

  test('bad rows are skipped where that is asked for, and counted', async () => {
    place.write('holes.tsv', 'sentence\na film\n \na cat\n');
    expect(await predict('--data', 'holes.tsv')).toMatchObject({ code: 4, stdout: '' });
    const { code, stdout, stderr } = await predict('--data', 'holes.tsv', '--on-bad-row', 'skip');
    expect({ code, places: linesOf(stdout).map((line) => line.place) }).toEqual({
      code: 0,
      places: ['holes.tsv:2', 'holes.tsv:4'],
    });
    expect(stderr).toContain('skipped holes.tsv:3: sentence is empty');
    expect(stderr).toContain('2 examples, 1 skipped, 0 cut');
  });

  test('columns may have other names than in the training data', async () => {
    const rows = place.read('feeling.test.tsv').toString();
    place.write('named.tsv', rows.replace('sentence\tlabel', 'body\tfeeling'));
    expect(await predict('--data', 'named.tsv')).toMatchObject({ code: 4, stderr: expect.stringContaining('--text') });
    const { stdout } = await predict('--data', 'named.tsv', '--text', 'body');
    expect(linesOf(stdout)).toHaveLength(ROWS.test);
    const flags = ['--task', 'classification', '--data', 'named.tsv', '--text', 'body', '--label', 'feeling'];
    const evaluated = await succeeds(['eval', run, ...flags, '--backend', BACKEND, '--json']);
    expect(JSON.parse(evaluated.stdout).metrics.accuracy.n).toBe(ROWS.test);
  });

  test('of a pair that is too long, both sides keep their halves of the context', async () => {
    await finetune('pairs', '--task', 'entailment', ...filesOf('inference.jsonl'));
    const [a, b] = ['a'.repeat(100), 'b'.repeat(100)];
    const marked = (text: string, at: number) => `${text.slice(0, at)}?${text.slice(at + 1)}`;
    // 48 tokens: three special ones, 23 of the first text, 22 of the second
    const pairs = [
      [a, b],
      [marked(a, 22), b],
      [marked(a, 23), b],
      [a, marked(b, 21)],
      [a, marked(b, 22)],
      [a, 'b'],
    ];
    pairs.push([marked(a, 43), 'b'], [marked(a, 44), 'b']); // what the short one leaves
    place.write('long.jsonl', pairs.map(([premise, hypothesis]) => JSON.stringify({ premise, hypothesis })).join('\n'));
    const { stdout, stderr } = await succeeds(['predict', 'pairs', '--data', 'long.jsonl', '--backend', BACKEND]);
    expect(stderr).toContain(`8 examples, 0 skipped, 8 cut to the context of ${N_CTX}`);
    const [whole, ...others] = linesOf(stdout).map(({ probabilities }) => JSON.stringify(probabilities));
    const [in22, in23, in21, in22b, short, in43, in44] = others;
    expect([in23 === whole, in22b === whole, in44 === short]).toEqual([true, true, true]);
    expect([in22 === whole, in21 === whole, in43 === short, short === whole]).toEqual([false, false, false, false]);
  });
});

describe('what is trained', () => {
  const embedding = 'transformer.wte.weight';
  const base = () => weights('base', 'step-000010');

  /** Names of tensors that differ from the pretrained ones; the new rows of the embedding are not compared. */
  function changed(run: string): string[] {
    const tensors = weights(run, 'step-000004');
    return [...base()]
      .filter(([name, values]) => bytesOf(tensors.get(name)!.subarray(0, values.length)) !== bytesOf(values))
      .map(([name]) => name);
  }

  test('everything, by default', () => {
    expect(changed('plain')).toEqual([...base().keys()]);
    expect(weights('plain', 'step-000004').get(embedding)).toHaveLength(260 * 32);
  });

  test('freeze_layers 1: not the embeddings and the first block', async () => {
    await finetune('frozen', ...FEELING, '--finetune.freeze_layers', '1');
    const upper = [...base().keys()].filter((name) => /h\.1\.|ln_f/.test(name));
    expect(upper.length).toBeGreaterThan(10);
    expect(changed('frozen')).toEqual(upper);
  });

  test('freeze_layers all: the head alone, and no LM loss', async () => {
    await finetune('headed', ...FEELING, '--finetune.freeze_layers', 'all');
    expect(changed('headed')).toEqual([]);
    const head = ['step-000003', 'step-000004'].map((step) => bytesOf(weights('headed', step).get('head.weight')!));
    expect(head[0]).not.toBe(head[1]);
    const [step] = place.events('headed', 'step');
    expect(step!.loss).toBe(step!.task_loss);
    expect(place.events('headed', 'start')[0]!.task!.lm_coef).toBe(0);
  });

  test('LoRA: adapters and head, in a folder beside the untouched weights', async () => {
    const target = ['--lora.target_modules', '[c_attn, mlp.c_proj]'];
    await finetune('adapted', ...FEELING, '--lora.r', '2', ...target);
    expect(changed('adapted')).toEqual([]);
    expect(place.names('adapted', 'step-000004', 'adapter')).toEqual([
      ...['adapter_config.json', 'adapter_model.safetensors'],
    ]);
    const adapters = place.tensors('adapted', 'step-000004', 'adapter', 'adapter_model.safetensors');
    expect([...adapters.keys()].filter((name) => name.endsWith('lora_B.weight'))).toHaveLength(4);
    expect([...adapters.values()].every((values) => values.some((x) => x !== 0))).toBe(true);
    expect((await place.gpt(['predict', 'adapted', '--data', 'feeling.test.tsv'])).code).toBe(0);
  });

  test('--init random: only the shape is taken over', async () => {
    await finetune('scratch', ...FEELING, '--init', 'random');
    expect(changed('scratch')).toEqual([...base().keys()]);
    const distance = (run: string): number => {
      const values = weights(run, 'step-000004').get('transformer.h.0.attn.c_attn.weight')!;
      const before = base().get('transformer.h.0.attn.c_attn.weight')!;
      return Math.max(...values.map((x, i) => Math.abs(x - before[i]!)));
    };
    expect(distance('plain')).toBeLessThan(1e-3); // four updates of at most 6.25e-5
    expect(distance('scratch')).toBeGreaterThan(1e-2);
  });

  test('class weights change the loss, and not the data', async () => {
    await finetune('balanced', ...FEELING, '--finetune.class_weights', 'balanced');
    const [plain, balanced] = ['plain', 'balanced'].map((run) => place.events(run, 'step')[0]!);
    expect(balanced!.task_loss).not.toBe(plain!.task_loss);
    expect(balanced!.lm_loss).toBe(plain!.lm_loss);
  });

  test('early stopping', async () => {
    const flags = ['--train.max_steps', '99', '--train.eval_every', '1', '--train.early_stop', '2'];
    const { stdout } = await finetune('early', ...FEELING, ...flags, '--train.learning_rate', '1e-9');
    expect(stdout).toContain('stopped early: 2 validations without a better one than at step 1');
    expect(place.events('early', 'end')[0]).toMatchObject({ reason: 'done', step: 3, best_step: 1 });
    expect(finalsOf('early').map(({ step }) => step)).toEqual([1]);
  });

  test('rows that are bad are counted where they may be left out', async () => {
    const rows = place.read('feeling.train.tsv').toString();
    place.write('holes.train.tsv', `${rows}\tgood\na film\na film\t\n`);
    const { stdout, stderr } = await finetune(
      'holes',
      ...['--task', 'classification', '--data', 'holes.train.tsv', '--val', 'feeling.val.tsv'],
      ...['--on-bad-row', 'skip'],
    );
    expect(place.events('holes', 'start')[0]!.task!.splits.map(({ skipped }) => skipped)).toEqual([3, 0]);
    expect(stdout).toMatch(/train +24 .* 3\n/);
    expect(stderr).toContain('skipped holes.train.tsv:26: sentence is empty');
  });

  test('a set smaller than a batch is one batch', async () => {
    const { stdout } = await finetune('small', ...FEELING, '--train.batch_size', '100');
    expect(stdout).toContain('4 steps × 24 examples');
    expect(place.events('small', 'step').map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
  });
});

describe('what it starts from', () => {
  test('a Hugging Face folder is the same as the run that it was exported from', async () => {
    await succeeds(['export', 'base', '--out', 'hf']);
    await succeeds(['finetune', 'hf', ...BRIEF, ...FEELING, '--out', 'from-hf']);
    expect(place.state('from-hf', 'step-000004')).toEqual(place.state('plain', 'step-000004'));
  });

  test.each([
    ['gpt1', []],
    ['gpt3', ['--model.window_size', '8']],
  ])('a %s', async (arch, flags) => {
    await pretrain(place, arch, '--model.arch', arch, ...flags);
    const { stdout } = await succeeds(['finetune', arch, ...BRIEF, ...FEELING, '--out', `${arch}-task`]);
    expect(stdout).toContain(`${arch}, 2 layers`);
    const predicted = await succeeds(['predict', `${arch}-task`, '--data', 'feeling.test.tsv', '--backend', BACKEND]);
    expect(linesOf(predicted.stdout)).toHaveLength(ROWS.test);
    const config = JSON.parse(place.read(`${arch}-task`, 'step-000004', 'config.json').toString());
    expect(config.model_type).toBe(JSON.parse(place.read(arch, 'step-000010', 'config.json').toString()).model_type);
  });
});

test('--ablation: pretrained, without the LM loss and from scratch, side by side', async () => {
  const { stdout } = await finetune('ablation', ...FEELING, '--ablation', '--train.seed', '7');
  const folders = ['from-scratch-7', 'no-lm-loss-7', 'pretrained-7'];
  expect(place.names('ablation')).toEqual(['ablation.json', ...folders]);
  const start = (folder: string) => place.events(`ablation/${folder}`, 'start')[0]!;
  expect(folders.map((folder) => start(folder).task!.lm_coef)).toEqual([0.5, 0, 0.5]);
  expect(folders.map((folder) => (start(folder).config as { finetune: { init: string } }).finetune.init)).toEqual([
    ...['random', 'pretrained', 'pretrained'],
  ]);
  const rows = JSON.parse(place.read('ablation', 'ablation.json').toString()) as Record<string, unknown>[];
  expect(rows.filter(({ metric }) => metric === 'accuracy').map(({ variant }) => variant)).toEqual([
    ...['pretrained', 'no LM loss', 'from scratch'],
  ]);
  for (const { variant, metric, values, mean } of rows) {
    const folder = folders.find((name) => name.startsWith((variant as string).toLowerCase().replaceAll(' ', '-')))!;
    const [final] = finalsOf(`ablation/${folder}`);
    expect(values).toEqual([final!.metrics[metric as string]!.value]);
    expect(mean).toBe(final!.metrics[metric as string]!.value);
    expect(stdout).toMatch(new RegExp(`${variant} +val +\\S.* ${(mean as number).toFixed(4)}`));
  }
  expect(stdout).toContain('runs and ablation.json in ablation');
});

describe('--task lm', () => {
  const lm = (out: string, ...more: string[]) => {
    const flags = ['--task', 'lm', '--data', 'text.txt', '--backend', BACKEND, '--out', out, '--sample.tokens', '0'];
    return succeeds(['finetune', 'base', ...flags, '--model.resid_pdrop', '0.1', ...more]);
  };

  test.each([
    ['full', [], ['model.safetensors']],
    ['lora', ['--lora.r', '2'], ['adapter/adapter_model.safetensors']],
  ])('%s: trains on, stops and goes on exactly, writes', async (name, flags, trained) => {
    await lm(`${name}-lm`, ...flags, '--train.max_steps', '6', '--train.save_every', '3', '--train.keep', '9');
    cpSync(place.path(`${name}-lm`), place.path(`${name}-lm-again`), { recursive: true });
    await succeeds(['pretrain', '--resume', `${name}-lm-again/step-000003`]);
    expect(place.state(`${name}-lm-again`, 'step-000006-2')).toEqual(place.state(`${name}-lm`, 'step-000006'));
    for (const file of trained) {
      expect(place.read(`${name}-lm-again`, 'step-000006-2', file)).toEqual(
        place.read(`${name}-lm`, 'step-000006', file),
      );
      expect(place.read(`${name}-lm`, 'step-000003', file)).not.toEqual(place.read(`${name}-lm`, 'step-000006', file));
    }
    // it starts where pretraining ended, not anew
    expect(place.losses(`${name}-lm`)[0]).toBeLessThan(place.losses('base')[0]! - 0.5);
    const generated = await succeeds([
      'generate',
      `${name}-lm`,
      '--prompt',
      'The',
      '--tokens',
      '5',
      '--backend',
      BACKEND,
    ]);
    expect(generated.stdout.length).toBeGreaterThan(4);
  });

  test('LoRA leaves the weights as they were', () => {
    const [before, after] = [weights('base', 'step-000010'), weights('lora-lm', 'step-000006')];
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, values] of before) expect(bytesOf(after.get(name)!)).toBe(bytesOf(values));
  });
});
