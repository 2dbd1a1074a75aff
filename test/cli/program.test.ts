// What the command line accepts, what it makes of it, and how it refuses.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { splitConfigFlags } from '../../src/cli/command.js';
import { describeError } from '../../src/cli/exit.js';
import { createProgram } from '../../src/cli/program.js';

/** The command and options that a command line means. */
async function parse(...argv: string[]): Promise<{ name: string; options: Record<string, unknown> }> {
  let parsed: { name: string; options: Record<string, unknown> } | undefined;
  const program = createProgram('1.2.3', async (name, options) => {
    parsed = { name, options: { ...options } };
  });
  await program.parseAsync(argv, { from: 'user' });
  return parsed!;
}

/** Text and exit code of a command line that is refused. */
async function refusal(...argv: string[]): Promise<{ text: string; code: number }> {
  try {
    await parse(...argv);
  } catch (error) {
    return describeError(error, false);
  }
  throw new Error(`accepted: ${argv.join(' ')}`);
}

test('import and export: what they take, and what they do unless told otherwise', async () => {
  expect(await parse('import', 'ckpt.pt', 'dir', '--tokenizer', 'byte', '--json')).toMatchObject({
    name: 'import',
    options: { source: 'ckpt.pt', out: 'dir', tensors: false, tokenizer: 'byte', json: true },
  });
  expect(await parse('import', 'ckpt.pt', 'dir', '--activation', 'gelu_new')).toMatchObject({
    options: { tokenizer: undefined, activation: 'gelu_new' },
  });
  expect(await refusal('import', 'ckpt.pt', 'x', '--activation', 'relu')).toMatchObject({ code: 2 });
  expect(await parse('export', 'run', '--out', 'dir')).toMatchObject({
    name: 'export',
    options: { checkpoint: 'run', out: 'dir', format: 'hf', dtype: 'f32', merge: false, base: undefined },
  });
  expect(await parse('export', 'run', '--out', 'dir', '--format', 'peft', '--base', 'gpt2')).toMatchObject({
    options: { format: 'peft', base: 'gpt2' },
  });
  expect(await refusal('import', 'ckpt.pt')).toMatchObject({ code: 2, text: expect.stringContaining("'out'") });
  expect(await parse('get', 'gpt2', '--dry-run')).toMatchObject({
    name: 'get',
    options: { model: 'gpt2', out: undefined, hub: undefined, dryRun: true, tensors: false },
  });
  expect(await refusal('export', 'run', '--out', 'x', '--dtype', 'f8')).toMatchObject({
    code: 2,
    text: expect.stringContaining('f32, bf16, f16'),
  });
});

describe('pretrain', () => {
  test('hands dotted flags on untouched and in order, wherever they stand', async () => {
    const { name, options } = await parse(
      'pretrain',
      '--train.max_steps',
      '100',
      'configs/mini.yaml',
      '--data',
      'a.txt',
      'b.txt',
      '--model.n_layer=4',
      '--train.betas',
      '[0.9, 0.99]',
      '--train.learning_rate',
      '-1',
      '--threads',
      '2',
      '--debug',
    );
    expect(name).toBe('pretrain');
    expect(options).toEqual({
      config: 'configs/mini.yaml',
      data: ['a.txt', 'b.txt'],
      out: undefined,
      resume: undefined,
      printConfig: false,
      dryRun: false,
      flags: [
        '--train.max_steps',
        '100',
        '--model.n_layer=4',
        '--train.betas',
        '[0.9, 0.99]',
        '--train.learning_rate',
        '-1',
      ],
      backend: 'auto',
      device: undefined,
      threads: 2,
      debug: true,
      quiet: false,
      json: false,
      color: 'auto',
    });
  });

  test('a flag without a value does not swallow the next option', () => {
    expect(splitConfigFlags(['--train.seed', '--out', 'x'])).toEqual({ rest: ['--out', 'x'], flags: ['--train.seed'] });
  });

  test('resumes without a config, and refuses to train nothing', async () => {
    expect((await parse('pretrain', '--resume', 'run')).options).toMatchObject({ resume: 'run', config: undefined });
    expect(await refusal('pretrain')).toMatchObject({ code: 2, text: expect.stringContaining('no config') });
  });

  test('a config swallowed by --data is named', async () => {
    const { text, code } = await refusal('pretrain', '--data', 'a.txt', 'c.yaml');
    expect(code).toBe(2);
    expect(text).toContain('gpt pretrain c.yaml --data');
  });
});

test('options have the documented defaults', async () => {
  const global = { debug: false, quiet: false, json: false, color: 'auto' };
  const compute = { ...global, backend: 'auto', device: undefined, threads: undefined };
  expect((await parse('generate', 'run', '--prompt', 'A', '--prompt', 'B', '--stop', '.')).options).toEqual({
    ...compute,
    checkpoint: 'run',
    prompt: ['A', 'B'],
    promptFile: undefined,
    interactive: false,
    n: 1,
    tokens: 200,
    temperature: 0.8,
    topK: 50,
    topP: 1,
    seed: 1337,
    stop: ['.'],
    precision: 'fp32',
  });
  expect((await parse('eval', 'run')).options).toEqual({
    ...compute,
    checkpoints: ['run'],
    out: undefined,
    data: undefined,
    window: undefined,
    stride: undefined,
    detokenize: 'none',
    textKey: 'text',
    batch: undefined,
    task: undefined,
    format: 'auto',
    columns: {},
    onBadRow: 'fail',
    source: { tasks: [], tasksDirs: [], taskFiles: [], dataRoots: [], trainRows: undefined },
    shots: [],
    protocol: 'harness',
    demonstrations: 'right',
    limit: undefined,
    seed: 1234,
    bootstrap: undefined,
    contamination: [],
    logSamples: false,
    plot: false,
    cache: true,
  });
  expect((await parse('bench')).options).toEqual({
    ...compute,
    model: 'mini',
    batch: 4,
    nCtx: undefined,
    steps: 10,
    warmup: 3,
    precision: 'fp32',
    recompute: false,
    profile: false,
    limits: false,
  });
  expect((await parse('tokenizer', 'train', 'a.txt', 'b.md')).options).toEqual({
    ...global,
    action: 'train',
    data: ['a.txt', 'b.md'],
    out: 'tokenizer.json',
    vocabSize: 4096,
    minFrequency: 2,
    textKey: 'text',
  });
  expect((await parse('tokenizer', 'show', 'tokenizer.json', '--json')).options).toEqual({
    ...global,
    json: true,
    action: 'show',
    tokenizer: 'tokenizer.json',
    text: undefined,
  });
  const { options } = await parse('plan', 'mini', '--gpus', '8', '--gpu-memory', '80GiB', '--train.seed', '1');
  expect(options).toEqual({
    ...global,
    config: 'mini',
    flags: ['--train.seed', '1'],
    tokens: undefined,
    view: {
      gpus: 8,
      gpuMemory: 80 * 2 ** 30,
      hardware: undefined,
      mfu: undefined,
      price: undefined,
      gflops: undefined,
    },
  });
  expect((await parse('config', 'show', '--train.seed', '1', 'mini')).options).toEqual({
    ...global,
    action: 'show',
    config: 'mini',
    flags: ['--train.seed', '1'],
  });
  expect((await parse('config', 'list')).options).toEqual({ ...global, action: 'list' });
  expect((await parse('tokenizer', 'show', 'byte', '--text', '-')).options).toMatchObject({ text: '-' });
  expect((await parse('tokenizer', 'report', 'byte', 'a.txt', 'b')).options).toEqual({
    ...global,
    action: 'report',
    tokenizer: 'byte',
    data: ['a.txt', 'b'],
    textKey: 'text',
  });
  expect((await parse('generate', 'run', '--interactive')).options).toMatchObject({ interactive: true, prompt: [] });
  expect((await parse('--json', 'doctor')).options).toEqual({ ...global, json: true });
  expect((await parse('report', 'run', '-q')).options).toEqual({
    ...global,
    quiet: true,
    dirs: ['run'],
    out: undefined,
  });
});

describe('refusals exit with 2 and say what to do', () => {
  test.each([
    [['pretran'], "unknown command 'pretran'", 'did you mean pretrain?'],
    [['pretrain', 'x', '--dat', 'y'], "unknown option '--dat'", 'did you mean --data?'],
    [['pretrain', 'x', '--train.seed', '1', '--quite'], "unknown option '--quite'", 'did you mean --quiet?'],
    [['generate', 'x', '--train.seed', '1'], "unknown option '--train.seed'", '--help'],
    [['generate'], "missing required argument 'checkpoint'", '--help'],
    [['generate', 'x', '--n', '0'], 'must be an integer of at least 1', '--help'],
    [['generate', 'x', '--tokens', '1.5'], 'must be an integer', '--help'],
    [['generate', 'x', '--top-p', '1.1'], 'must be a number from 0 to 1', '--help'],
    [['generate', 'x', '--temperature', 'hot'], 'must be a number', '--help'],
    [['eval', 'x', '--backend', 'gpu'], 'native', '--help'],
    [['plan', 'a', 'b'], 'too many arguments', '--help'],
    [['plan', 'a', '--gpu-memory', '80'], 'must be a size with its unit, such as 141GB', '--help'],
    [['plan', 'a', '--gpu-memory', '0GB'], 'must be a size', '--help'],
    [['plan', 'a', '--gpus', '0'], 'must be an integer from 1 to 1000000', '--help'],
    [['plan', 'a', '--hardware', 'h1000'], 'Allowed choices are h100, h200, a100, rtx4090, l4', '--help'],
    [['plan', 'a', '--mfu', '1.5'], 'must be a number from 0.001 to 1', '--help'],
    [['config'], 'no command given', '--help'],
    [['config', 'shw', 'mini'], "unknown command 'shw'", 'did you mean show?'],
    [['config', 'show'], "missing required argument 'config'", '--help'],
    [['config', 'list', '--train.seed', '1'], "unknown option '--train.seed'", '--help'],
    [['completion'], "missing required argument 'shell'", '--help'],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish, man', '--help'],
    [['plan', 'a', '--price', 'much'], 'must be a number', '--help'],
    [['--quiet'], 'no command given', '--help'],
    [
      ['generate', 'x', '--interactive', '--prompt', 'A'],
      "'--interactive' cannot be used with option '--prompt",
      '--help',
    ],
    [['generate', 'x', '--interactive', '--n', '2'], "'--interactive' cannot be used with option '--n", '--help'],
    [['generate', 'x', '--interactive', '--json'], "'--interactive' cannot be used with option '--json'", '--help'],
    [['tokenizer'], 'no command given', '--help'],
    [['tokenizer', 'trian', 'a.txt'], "unknown command 'trian'", 'did you mean train?'],
    [['tokenizer', 'train'], "missing required argument 'text'", '--help'],
    [['tokenizer', 'train', 'a.txt', '--vocab-size', '256'], 'must be an integer from 257 to 1048576', '--help'],
    [['tokenizer', 'train', 'a.txt', '--min-frequency', '0'], 'must be an integer of at least 1', '--help'],
    [['tokenizer', 'show', 'a.json', 'b'], 'too many arguments', '--help'],
  ])('gpt %j', async (argv, what, fix) => {
    const { text, code } = await refusal(...argv);
    const [first, second] = text.split('\n');
    expect(code).toBe(2);
    expect(first).toMatch(/^error: /);
    expect(first).toContain(what);
    expect(second).toMatch(/^ {2}fix: /);
    expect(second).toContain(fix);
  });
});

test('help and version are no errors, and help fits 80 columns', async () => {
  const commands = [
    ['pretrain'],
    ['finetune'],
    ['predict'],
    ['eval'],
    ['tasks'],
    ['generate'],
    ['plan'],
    ['config'],
    ['config', 'show'],
    ['config', 'list'],
    ['completion'],
    ['tokenizer'],
    ['tokenizer', 'train'],
    ['tokenizer', 'show'],
    ['tokenizer', 'report'],
  ];
  for (const argv of [['--help'], ...commands.map((command) => [...command, '-h']), ['--version']]) {
    const written: string[] = [];
    const program = createProgram('1.2.3', async () => {});
    for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
      command.configureOutput({ writeOut: (text) => void written.push(text), getOutHelpWidth: () => 80 });
    }
    const error: unknown = await program.parseAsync(argv, { from: 'user' }).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(describeError(error, false)).toEqual({ text: '', code: 0 });
    const text = written.join('');
    if (argv[0] === '--version') expect(text).toBe('gpt 1.2.3\n');
    else expect(text).toMatch(/\nExamples:\n(?: {2}gpt .*\n)+\n/); // not one of them wrapped
  }
});

test('starting up imports commander and nothing else', () => {
  const folder = new URL('../../src/cli/', import.meta.url);
  const programs = readdirSync(folder).filter((name) => name.endsWith('_program.ts'));
  const files = ['main.ts', 'program.ts', 'command.ts', 'exit.ts', 'input.ts', ...programs];
  const imports = files.flatMap((file) => {
    const source = readFileSync(new URL(file, folder), 'utf8');
    return [...source.matchAll(/^import (?!type )[^;]* from '([^']+)'/gm)].map(([, from]) => from!);
  });
  const allowed = new Set([
    'commander',
    'node:fs',
    'node:path',
    'node:readline',
    '../base/errors.js',
    '../base/format.js', // a few pure functions
    './command.js', // each of these is read here as well
    './exit.js',
    './input.js',
    './program.js',
    ...programs.map((file) => `./${file.replace('.ts', '.js')}`),
  ]);
  expect(imports.filter((from) => !allowed.has(from))).toEqual([]);
  expect(imports).toContain('commander');
});
