// Files, flags and their mistakes. Each mistake must be named with its place and a way out, all of them at once.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ConfigError, DataError } from '../../src/base/errors.js';
import type { Json } from '../../src/base/events.js';
import { type LoadedConfig, type LoadOptions, loadConfig } from '../../src/config/load.js';
import { RunConfig } from '../../src/config/schema.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

let files = 0;
function write(text: string | Buffer, name = `file${files++}.yaml`): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const STEPS = 'train: {max_steps: 10}\n';
const load = (text: string, flags: string[] = [], options: Partial<LoadOptions> = {}): LoadedConfig =>
  loadConfig({ file: write(text), flags, ...options });

/** The error of a load, with the folder taken out of its message. */
function failure(action: () => unknown): { what: string; fix: string; exitCode: number } {
  try {
    action();
  } catch (e) {
    if (!(e instanceof ConfigError)) throw e;
    return { what: e.message.replaceAll(`${dir}/`, ''), fix: e.fix, exitCode: e.exitCode };
  }
  throw new Error('nothing was thrown');
}

const problemOf = (text: string | Buffer, flags: string[] = []): string =>
  failure(() => loadConfig({ file: write(text, 'bad.yaml'), flags })).what;

describe('values', () => {
  test('defaults, file and flags, each with its origin', () => {
    const file = write('model:\n  n_layer: 4\ntrain:\n  max_steps: 10\n', 'origins.yaml');
    const loaded = loadConfig({ file, flags: ['--train.learning_rate', '3e-4', '--model.n_head=4'] });
    expect(loaded.run.model).toMatchObject({ n_layer: 4, n_head: 4, n_embd: 768 });
    expect(loaded.run.train.learning_rate).toBe(3e-4);
    expect(loaded.name).toBe('origins');
    expect(loaded.file).toBe(file);
    expect(loaded.origin('model.n_layer')).toBe(`${file}:2`);
    expect(loaded.origin('model.n_head')).toBe('--model.n_head');
    expect(loaded.origin('model.n_embd')).toBe('default');
    const origins = loaded.origins();
    expect(origins['train.max_steps']).toBe(`${file}:4`);
    expect(origins['train.learning_rate']).toBe('--train.learning_rate');
    expect(origins['train.eps']).toBe('default');
    expect(origins).not.toHaveProperty('train.max_tokens');
  });

  test('print() loads to the same run and shows where values came from', () => {
    const loaded = load(STEPS, ['--sample.prompt', 'a: "b" #c', '--train.betas', '[0.9, 0.98]']);
    expect(RunConfig.parse(parse(loaded.print()))).toEqual(loaded.run);
    expect(loaded.print()).toMatch(/^ {2}betas: \[0\.9, 0\.98\] +# --train\.betas$/m);
    expect(loaded.print()).toMatch(/^ {2}max_steps: 10 +# .*file\d+\.yaml:1$/m);
    expect(loaded.print()).toMatch(/^ {2}n_ctx: 1024 +# default$/m);
  });

  test('without a file: defaults and flags', () => {
    const { run, file, name } = loadConfig({ flags: ['--train.max_epochs', '1.5'] });
    expect(run).toEqual(RunConfig.parse({ train: { max_epochs: 1.5 } }));
    expect([file, name]).toEqual([undefined, 'run']);
  });

  test('numbers of YAML 1.2, anchors and flow style', () => {
    const { run } = load('train: {max_tokens: 3.0e+11, learning_rate: 6e-4, eps: &e 1.0e-8, min_lr_ratio: *e}\n');
    expect(run.train).toMatchObject({ max_tokens: 300000000000, learning_rate: 0.0006, eps: 1e-8, min_lr_ratio: 1e-8 });
  });
});

describe('flags', () => {
  const flagged = (...flags: string[]): RunConfig => load(STEPS, flags).run;

  test('text stays as typed where the key takes text', () => {
    const texts = ['3', 'true', 'a #b', 'x: y', '[1, 2]', '', '!tag', 'null'];
    expect(texts.map((t) => flagged('--sample.prompt', t).sample.prompt)).toEqual(texts);
  });

  test('lists, from one word or by repetition; otherwise the last one counts', () => {
    expect(flagged('--train.betas', '[0.9,0.99]').train.betas).toEqual([0.9, 0.99]);
    expect(flagged('--data.path', '[a.txt, b.txt]').data.path).toEqual(['a.txt', 'b.txt']);
    expect(flagged('--data.path', 'a.txt', '--data.path', 'b.txt').data.path).toEqual(['a.txt', 'b.txt']);
    expect(flagged('--data.path', 'books/[ab]*.txt').data.path).toBe('books/[ab]*.txt');
    expect(flagged('--train.seed', '1', '--train.seed', '2').train.seed).toBe(2);
  });

  test.each([
    [
      ['--train.max_steps', 'many'],
      '--train.max_steps: train.max_steps: expected whole number, at least 1; got "many"',
    ],
    [['--train.max_steps'], '--train.max_steps: train.max_steps: expected whole number, at least 1; got nothing'],
    [['--model.attn_pdrop', '-0.1'], 'expected number, at least 0, below 1; got -0.1'],
    [['--model.n_layers', '4'], '--model.n_layers: unknown flag; our name for it is model.n_layer'],
    [['--train.learning-rat', '4'], '--train.learning-rat: unknown flag; did you mean train.learning_rate?'],
    [['--max_steps', '4'], '--max_steps: unknown flag; did you mean train.max_steps?'],
    [['--model', '4'], '--model: a section: name one of its keys, as in --model.arch'],
    [['-x', '4'], '-x: unknown flag'],
    [['--train.betas', '0.9', '0.99'], '0.99: belongs to no flag'],
  ])('%j', (flags, message) => {
    expect(failure(() => flagged(...flags)).what).toContain(message);
  });

  test('one of an exclusive set replaces the others of the file', () => {
    const text = 'train: {max_tokens: 1.0e+9, warmup_tokens: 100, lr_decay_tokens: 1000}\n';
    const { train } = load(text, ['--train.max_steps', '5', '--train.warmup_steps=2', '--train.lr_decay_steps=4']).run;
    expect(train).toMatchObject({ max_steps: 5, warmup_steps: 2, lr_decay_steps: 4 });
    expect([train.max_tokens, train.warmup_tokens, train.lr_decay_tokens]).toEqual([undefined, undefined, undefined]);
  });

  test('two of an exclusive set on the command line are one too many', () => {
    const { what } = failure(() => flagged('--train.max_tokens', '5', '--train.max_epochs', '5'));
    expect(what).toContain(
      '--train.max_epochs: train.max_epochs: train.max_tokens and train.max_epochs exclude each other',
    );
  });
});

describe('extends', () => {
  test("the file's keys win, and origins name the right file", () => {
    const base = write('model: {n_layer: 3, n_head: 6}\ntrain: {max_tokens: 9}\n', 'base.yaml');
    const loaded = load('extends: base.yaml\nmodel:\n  n_layer: 5\ntrain: {max_steps: 7}\n');
    expect(loaded.run.model).toMatchObject({ n_layer: 5, n_head: 6 });
    expect(loaded.run.train.max_steps).toBe(7);
    expect(loaded.run.train.max_tokens).toBeUndefined();
    expect(loaded.origin('model.n_head')).toBe(`${base}:1`);
  });

  test('a preset by name', () => {
    expect(load('extends: gpt2-355m\n').run.model.n_layer).toBe(24);
  });

  test.each([
    ['extends: nowhere.yaml\n', 'bad.yaml:1:10: extends: nowhere.yaml: no such configuration file'],
    ['extends: gpt2-125m\n', 'did you mean gpt2-124m?'],
    ['extends: bad.yaml\n', 'bad.yaml:1:10: extends: bad.yaml extends this file in turn'],
    ['extends: [a, b]\n', 'bad.yaml:1:10: extends: expected the name of one file or preset'],
  ])('%j', (text, message) => {
    expect(problemOf(`${text}${STEPS}`)).toContain(message);
  });

  test('a circle of two files, and mistakes in the extended one', () => {
    write('extends: circle2.yaml\n', 'circle1.yaml');
    const second = write(`extends: circle1.yaml\nmodel: {n_layer: 0}\n${STEPS}`, 'circle2.yaml');
    const { what } = failure(() => loadConfig({ file: second, flags: [] }));
    expect(what).toContain('circle1.yaml:1:10: extends: circle2.yaml extends this file in turn');
    expect(what).toContain('circle2.yaml:2:9: model.n_layer: expected whole number, at least 1, at most 1024; got 0');
  });
});

describe('portable', () => {
  const text =
    'model: {n_layer: 8}\ntrain: {max_tokens: 100}\nportable:\n  model: {n_layer: 2}\n  train: {max_steps: 3}\n';

  test('applies only when asked, and flags win over it', () => {
    expect(load(text).run).toMatchObject({ model: { n_layer: 8 }, train: { max_tokens: 100 } });
    const small = load(text, ['--model.n_layer', '1'], { portable: true }).run;
    expect(small.model.n_layer).toBe(1);
    expect([small.train.max_steps, small.train.max_tokens]).toEqual([3, undefined]);
    expect(load(text, [], { portable: true }).run.model.n_layer).toBe(2);
  });

  test('an extended portable part applies too, under the own one', () => {
    write(text, 'portable_base.yaml');
    const child = 'extends: portable_base.yaml\nmodel: {n_layer: 9}\nportable: {model: {n_head: 2}}\n';
    expect(load(child).run.model).toMatchObject({ n_layer: 9, n_head: 12 });
    expect(load(child, [], { portable: true }).run.model).toMatchObject({ n_layer: 2, n_head: 2 });
  });

  test('is checked even when it does not apply', () => {
    const bad = `${STEPS}portable:\n  model: {n_layer: none}\n  modle: {}\n`;
    expect(problemOf(bad)).toContain(
      'bad.yaml:3:11: model.n_layer: expected whole number, at least 1, at most 1024; got "none"',
    );
    expect(problemOf(bad)).toContain('bad.yaml:4:3: modle: unknown key; did you mean the section model?');
    expect(problemOf(`${STEPS}portable: 3\n`)).toContain('bad.yaml:2:1: portable: expected sections');
  });
});

describe('mistakes in a file', () => {
  test.each([
    ['model:\n  n_layr: 4\n', 'bad.yaml:2:3: model.n_layr: unknown key; did you mean model.n_layer?'],
    ['modle: {n_layer: 4}\n', 'bad.yaml:1:1: modle: unknown key; did you mean the section model?'],
    ['n_layer: 4\n', 'bad.yaml:1:1: n_layer: unknown key; did you mean model.n_layer?'],
    ['model: {max_steps: 4}\n', 'model.max_steps: unknown key; did you mean train.max_steps?'],
    ['model: {zzzzzzzz: 4}\n', 'bad.yaml:1:9: model.zzzzzzzz: unknown key'],
    ['model: {n_ctx: "8"}\n', 'bad.yaml:1:9: model.n_ctx: expected whole number, at least 1; got "8"'],
    ['model: {n_ctx: 8.5}\n', 'expected whole number, at least 1; got 8.5'],
    ['model: {n_ctx: }\n', 'expected whole number, at least 1; got nothing'],
    ['model: {attn_pdrop: 1}\n', 'model.attn_pdrop: expected number, at least 0, below 1; got 1'],
    ['model: {arch: gtp2}\n', 'expected gpt1, gpt2 or gpt3; got "gtp2" (did you mean gpt2?)'],
    ['train: {betas: [0.9]}\n', 'train.betas: expected list of 2 (number, at least 0, below 1); got [0.9]'],
    ['train: {batch_tokens: 524_288}\n', 'got "524_288" (write plain digits: 524288)'],
    ['data: {path: []}\n', 'data.path: expected text, or list of (text); got []'],
    ['model: 3\n', 'bad.yaml:1:1: model: expected keys of its own'],
    ['model:\n', 'bad.yaml:1:1: model: expected keys of its own'],
    [
      'model: {n_embd: 770}\n',
      'model.n_embd: n_embd 770 is not divisible by n_head 12; the nearest width that is: 768',
    ],
    ['model: {n_head: 5}\n', 'n_embd 768 is not divisible by n_head 5'],
    ['tokenizer: {type: file}\n', 'bad.yaml:1:13: tokenizer.type: file needs tokenizer.path too'],
    ['tokenizer: {type: byte, path: x}\n', 'bad.yaml:1:25: tokenizer.path: only read with tokenizer.type file'],
  ])('%j', (text, message) => {
    expect(problemOf(`${text}${text.startsWith('train') ? '' : STEPS}`)).toContain(message);
  });

  test.each([
    ['', 'bad.yaml: empty'],
    ['# only a comment\n', 'bad.yaml: empty'],
    ['- a\n- b\n', 'bad.yaml:1:1: expected sections with keys'],
    ['model:\n\tn_ctx: 8\n', 'bad.yaml:2:1: a tab: YAML is indented with spaces'],
    ['model:\n  n_ctx: 8\n\tn_head: 8\n', 'a tab: YAML is indented with spaces'],
    ['model: {n_ctx: 8\n', 'bad.yaml:2:1: not YAML'],
    ['model:\n  n_ctx: 8\n  n_ctx: 9\n', 'bad.yaml:3:3: n_ctx: given twice'],
    [Buffer.from([0x6d, 0xff, 0xfe, 0x3a]), 'bad.yaml: cannot be read: not UTF-8 text'],
  ])('%j', (text, message) => {
    expect(problemOf(text)).toContain(message);
  });

  test.each([
    ['', 'train.max_steps: nothing says how long to train'],
    [
      '  max_steps: 1\n  max_tokens: 5\n',
      'bad.yaml:4:3: train.max_tokens: train.max_steps and train.max_tokens exclude each other',
    ],
    ['  max_steps: 1\n  warmup_steps: 1\n  warmup_tokens: 5\n', 'train.warmup_steps and train.warmup_tokens exclude'],
    [
      '  max_steps: 1\n  lr_decay_steps: 1\n  lr_decay_tokens: 5\n',
      'train.lr_decay_steps and train.lr_decay_tokens exclude',
    ],
    ['  max_steps: 1\n  batch_tokens: 2500\n', '2500 is not a multiple of n_ctx 1024; the nearest: 2048'],
    [
      '  max_steps: 1\n  batch_tokens: 10000\n  micro_batch: 3\n',
      'bad.yaml:4:3: train.batch_tokens: 10000 is not a multiple of n_ctx 1024 x micro_batch 3 = 3072; the nearest: 9216',
    ],
    ['  max_steps: 1\n  batch_tokens: 3\n', 'the nearest: 1024'],
    [
      '  max_steps: 1\n  early_stop: 3\n  eval_every: 0\n',
      'bad.yaml:4:3: train.early_stop: it counts validations, and train.eval_every 0 makes none before the end',
    ],
    [
      '  max_steps: 1\n  batch_tokens: 65536\n  batch_ramp_tokens: 1.0e+12\n',
      'a ramp over 1000000000000 tokens is more than 1000000 updates of 65536',
    ],
  ])('train: %j', (train, message) => {
    expect(problemOf(`train:\n  seed: 1\n${train}`)).toContain(message);
  });

  test.each([
    ['loss: answers', 'bad.yaml:2:3: data.loss: answers needs data.answer_start too'],
    ["answer_start: '>'", 'data.answer_start: only read with data.loss answers'],
    ["answer_end: '.'", 'data.answer_end: only read with data.loss answers'],
    ["loss: answers\n  answer_start: ''", 'bad.yaml:3:3: data.answer_start: expected'],
    ['sequences: lines', 'bad.yaml:2:3: data.sequences: expected stream or documents'],
  ])('data: %j', (data, message) => {
    expect(problemOf(`data:\n  ${data}\n${STEPS}`)).toContain(message);
  });

  // What a file can say to break its reader: each is a message with a place, at once.
  const bomb = (levels: number): string =>
    Array.from({ length: levels }, (_, i) => `  a${i}: &a${i} [${Array(10).fill(i === 0 ? 1 : `*a${i - 1}`)}]\n`).join(
      '',
    );
  test.each([
    [`x:\n${bomb(9)}data: {path: *a8}\n`, 'bad.yaml:11:14: not YAML: Excessive alias count'],
    ['data: {path: &p [*p]}\n', 'data.path: expected text, or list of (text); got something that contains itself'],
    ['data: {path: *nowhere}\n', 'bad.yaml:1:14: not YAML: Unresolved alias'],
    ['extends: *nowhere\n', 'bad.yaml:1:10: not YAML: Unresolved alias'],
    ['extends: "\\0"\n', 'no such configuration file'],
    [`extends: ${'a'.repeat(5000)}\n`, `extends: ${'a'.repeat(57)}...: no such configuration file`],
    [`model: {n_layer: ${'['.repeat(1e5)}${']'.repeat(1e5)}}\n`, 'not YAML: nested too deeply'],
    [`${'"'.repeat(9999)}\n`, 'bad.yaml:1:3: not YAML'],
    [`model: {${'a'.repeat(5000)}: 1}\n`, `bad.yaml:1:9: model.${'a'.repeat(51)}...: unknown key`],
    [Array.from({ length: 9999 }, (_, i) => `key${i}: 1\n`).join(''), 'bad.yaml:3:1: key2: unknown key'],
    [`model:\n${'  n_ctx: 8\n'.repeat(9999)}`, 'bad.yaml:3:3: n_ctx: given twice'],
    [`#${' '.repeat(2 ** 20)}\n`, 'bad.yaml: 1048601 bytes: this is no configuration file'],
    ['model: {n_layer: 1000000000}\n', 'model.n_layer: expected whole number, at least 1, at most 1024'],
  ])('hostile: %#', (text, message) => {
    const what = problemOf(`${text}${STEPS}`);
    expect(what).toContain(message);
    expect(what.length).toBeLessThan(10_000);
  });

  test('all problems at once, with exit code 2', () => {
    const file = write('model:\n  n_layr: 4\n  n_head: 5\n  n_embd: 768\ntrain:\n  max_steps: x\n', 'many.yaml');
    const { what, fix, exitCode } = failure(() => loadConfig({ file, flags: ['--train.lr', '1'] }));
    expect(what.split('\n')).toEqual([
      '4 problems in the configuration:',
      '  many.yaml:2:3: model.n_layr: unknown key; did you mean model.n_layer?',
      '  many.yaml:6:3: train.max_steps: expected whole number, at least 1; got "x"',
      '  --train.lr: unknown flag; our name for it is train.learning_rate',
      '  many.yaml:4:3: model.n_embd: n_embd 768 is not divisible by n_head 5; the nearest width that is: 770',
    ]);
    expect(fix).toContain('docs/config.md');
    expect(exitCode).toBe(2);
  });

  test('a misspelt key is not reported again as a broken rule on its default', () => {
    expect(problemOf('model: {block_size: 64}\ntrain: {max_iters: 5, batch_tokens: 640}\n').split('\n')).toHaveLength(
      3,
    );
  });
});

test.each([
  ['model.block_size', 'model.n_ctx'],
  ['model.n_positions', 'model.n_ctx'],
  ['model.max_seq_len', 'model.n_ctx'],
  ['model.d_model', 'model.n_embd'],
  ['model.n_blocks', 'model.n_layer'],
  ['model.dropout', 'our names for it are model.resid_pdrop, model.embd_pdrop, model.attn_pdrop'],
  ['train.max_iters', 'train.max_steps'],
  ['train.lr', 'train.learning_rate'],
  ['train.min_lr', 'train.min_lr_ratio (a ratio'],
  ['train.batch_size', 'our names for it are train.micro_batch, train.batch_tokens'],
  ['train.gradient_accumulation_steps', 'train.batch_tokens (the accumulation is'],
  ['train.beta1', 'train.betas (a list of both)'],
  ['train.max_grad_norm', 'train.grad_clip'],
  ['train.warmup_iters', 'train.warmup_steps'],
])('other projects say %s', (key, ours) => {
  const [section, name] = key.split('.');
  const what = problemOf(`${section}: {${name}: 1}\n`);
  expect(what).toContain(`${key}: unknown key; our name`);
  expect(what).toContain(ours);
});

describe('the configuration of a resumed run', () => {
  const origins = { 'train.max_steps': '--train.max_steps', 'model.n_layer': 'x.yaml:2' };
  const resume = (config: Json) =>
    loadConfig({ stored: { config, origins, file: 'step-000010/trainer/state.json' }, flags: [] });

  test('is what was stored', () => {
    const { run, file, origin } = resume({ train: { max_steps: 7 }, model: { n_layer: 3, n_ctx: 8 } });
    expect([run.train.max_steps, run.model.n_layer, run.model.n_ctx]).toEqual([7, 3, 1024]); // n_ctx had no origin
    expect([file, origin('model.n_layer')]).toEqual([undefined, 'x.yaml:2']);
  });

  test.each([
    [{ train: { max_steps: 'x' } }, DataError, 'state.json: train.max_steps: expected whole number'],
    [{ train: { max_steps: 5 }, model: { n_layer: [] } }, DataError, 'state.json: model.n_layer: expected'],
    [{}, ConfigError, 'state.json: train.max_steps: nothing says how long'],
  ])('is refused when it is damaged: %j', (config, kind, message) => {
    expect(() => resume(config)).toThrow(message);
    expect(() => resume(config)).toThrow(kind);
  });
});

describe('finding the file', () => {
  test('a preset by its name, with and without .yaml', () => {
    for (const file of ['gpt3-1.3b', 'gpt3-1.3b.yaml']) {
      const loaded = loadConfig({ file, flags: [] });
      expect([loaded.run.model.n_embd, loaded.name]).toEqual([2048, 'gpt3-1.3b']);
    }
  });

  test('presets of another root', () => {
    mkdirSync(join(dir, 'configs'));
    write(STEPS, 'configs/own.yaml');
    expect(loadConfig({ file: 'own', flags: [], root: dir }).run.train.max_steps).toBe(10);
  });

  test.each([
    ['gpt2-124', 'gpt2-124: no such configuration file, and no preset of that name', 'did you mean gpt2-124m?'],
    ['configs/quikstart.yaml', 'configs/quikstart.yaml: no such configuration file', 'did you mean quickstart?'],
    ['src', 'src: no such configuration file (it is a folder)', 'presets: gpt1, gpt2-124m'],
  ])('%s', (file, message, hint) => {
    const { what, fix, exitCode } = failure(() => loadConfig({ file, flags: [] }));
    expect(what).toContain(message);
    expect(fix).toContain(hint);
    expect(exitCode).toBe(2);
  });
});
