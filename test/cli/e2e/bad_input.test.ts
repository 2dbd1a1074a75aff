// What a user can get wrong: the exit code says which kind, the message names the place and what to do, there is no
// stack trace, and nothing is left behind or lost.

import { cpSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSafetensors } from '../../../src/checkpoint/safetensors.js';
import { BACKEND, complaint, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

async function refuses(args: readonly string[], code: number, ...named: (string | RegExp)[]): Promise<void> {
  const result = complaint(await place.gpt(args));
  expect(result).toMatchObject({ code, wellFormed: true });
  for (const name of named) expect(result.text).toMatch(name);
}

describe('pretrain', () => {
  const pretrain = (...args: string[]) => ['pretrain', ...args, '--out', 'never', ...TINY];

  beforeAll(() => {
    place.write('empty.txt', '');
    place.write('short.txt', 'Too short.');
    place.write('binary.txt', Buffer.from([65, 66, 0, 1, 2, 255]));
    place.write('latin1.txt', Buffer.from('caf\xe9 '.repeat(300), 'latin1'));
    place.write('typo.yaml', 'model:\n  n_layers: 2\ntrain:\n  max_steps: many\n');
    place.write('broken.yaml', 'model:\n  n_layer: [2\n');
    place.write('picture.png', 'x');
  });

  test.each<[string, string[], number, (string | RegExp)[]]>([
    ['missing file', ['--data', 'absent.txt'], 4, ['absent.txt']],
    ['glob without a match', ['--data', 'absent/*.txt'], 4, [/absent\/\*\.txt: no file matches/]],
    ['empty file', ['--data', 'empty.txt'], 4, ['empty.txt']],
    ['shorter than n_ctx + 1', ['--data', 'short.txt'], 4, [/n_ctx 32 needs at least 33/]],
    ['NUL bytes', ['--data', 'binary.txt'], 4, ['binary.txt', /byte 2/]],
    ['not UTF-8', ['--data', 'latin1.txt'], 4, ['latin1.txt', /byte 3/]],
    ['unknown kind of file', ['--data', 'picture.png'], 4, ['picture.png', /\.txt/]],
    ['no data', [], 2, ['data.path', '--data']],
    ['missing config', ['absent.yaml', '--data', 'text.txt'], 2, ['absent.yaml']],
    ['misspelt preset', ['quickstrat', '--data', 'text.txt'], 2, ['quickstart']],
    ['broken YAML', ['broken.yaml', '--data', 'text.txt'], 2, [/broken\.yaml:\d+:\d+/]],
    [
      'unknown key and wrong type, at once',
      ['typo.yaml'],
      2,
      [/typo\.yaml:2:3/, 'n_layer', /typo\.yaml:4/, 'max_steps'],
    ],
    ['unknown flag', ['--data', 'text.txt', '--train.max_step', '3'], 2, ['train.max_steps']],
    ['out of range', ['--data', 'text.txt', '--model.attn_pdrop', '1.5'], 2, ['attn_pdrop']],
    ['width and heads', ['--data', 'text.txt', '--model.n_head', '3'], 2, [/n_embd 32 .* n_head 3/, '33']],
    ['batch and context', ['--data', 'text.txt', '--train.batch_tokens', '100'], 2, ['batch_tokens', '96']],
    ['vocabulary too large', ['--data', 'text.txt', '--model.vocab_size', '300'], 2, [/300, larger .* 257/]],
    ['vocabulary too small', ['--data', 'text.txt', '--model.vocab_size', '100'], 2, [/100, smaller .* 257/]],
    ['no thread', ['--data', 'text.txt', '--threads', '0'], 2, ['--threads']],
    ['too many threads', ['--data', 'text.txt', '--threads', '100000'], 2, ['--threads is 100000']],
    ['a GPU for the CPU', ['--data', 'text.txt', '--device', '0'], 3, ['--device 0']],
  ])('%s', async (_, args, code, named) => {
    // later flags win: those of TINY that a case gives itself are left out
    const given = pretrain(...args).filter((_, i, all) => {
      const twice = (at: number) => all[at]!.startsWith('--') && all.indexOf(all[at]!) < at;
      return !twice(i) && !(i > 0 && twice(i - 1));
    });
    await refuses(given, code, ...named);
    expect(place.names()).not.toContain('never');
  });

  test('the output folder cannot be made: a file is in the way', async () => {
    await refuses(['pretrain', '--data', 'text.txt', '--out', 'text.txt/run', ...TINY], 4, 'text.txt: it is a file');
  });

  test('more memory than there is', async () => {
    const flags = ['--tokenizer.type', 'byte', '--model.vocab_size', '257', '--model.n_ctx', '32'];
    const batch = ['--train.batch_tokens', '32', '--train.micro_batch', '1', '--backend', BACKEND, '--out', 'never'];
    await refuses(
      ['pretrain', 'gpt3-175b', '--data', 'text.txt', ...flags, ...batch],
      6,
      /TiB of mem/,
      'smaller model',
    );
    expect(place.names()).not.toContain('never');
  });

  test('commands and options', async () => {
    await refuses(['pretran'], 2, /did you mean pretrain/);
    await refuses(['pretrain', 'mini', '--dta', 'x'], 2, /did you mean --data/);
    await refuses(['pretrain', 'mini', '--max_steps', '5'], 2, /--train\.max_steps/);
  });

  test('--debug shows the stack', async () => {
    const { stderr, code } = await place.gpt(['--debug', ...pretrain('--data', 'absent.txt')]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^error: absent\.txt.*\n {2}fix: .*\n(.*\n)*\s+at /);
  });

  test('a cache that cannot be written', async () => {
    const env = { GPT_CACHE: place.path('text.txt', 'cache') };
    const result = complaint(await place.gpt(pretrain('--data', 'text.txt'), env));
    expect(result).toMatchObject({ code: 4, wellFormed: true, text: expect.stringContaining('text.txt/cache') });
  });

  test('GPT_THREADS that is no number', async () => {
    const result = complaint(await place.gpt(pretrain('--data', 'text.txt'), { GPT_THREADS: 'many' }));
    expect(result).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining('GPT_THREADS') });
  });
});

test('divergence: exit 5 names the step, and the last good checkpoint is kept', async () => {
  const wild = ['--train.learning_rate', '1e6', '--train.weight_decay', '1', '--train.save_every', '1'];
  const flags = TINY.filter((flag, i) => flag !== '--train.learning_rate' && TINY[i - 1] !== '--train.learning_rate');
  const ended = await place.gpt(['pretrain', '--data', 'text.txt', '--out', 'wild', ...flags, ...wild]);
  const result = complaint(ended);
  expect(result).toMatchObject({ code: 5, wellFormed: true });
  expect(ended.stderr).toMatch(
    /error: step \d+: .*diverged; the first bad tensor: .+\n {2}fix: .*smaller learning rate/,
  );
  const end = place.events('wild', 'end')[0]!;
  expect(end.reason).toBe('diverged');
  expect(ended.stderr).toContain(`step ${end.step + 1}:`);
  expect(place.read('wild', 'report.html').toString()).toContain('diverged');

  const latest = place.read('wild', 'latest').toString().trim();
  expect(latest).toBe(`step-${String(end.step).padStart(6, '0')}`);
  const bad = [...place.tensors('wild', latest, 'model.safetensors')].filter(([, t]) => !t.every(Number.isFinite));
  expect(bad.map(([name]) => name)).toEqual([]);
});

describe('checkpoints', () => {
  beforeAll(() => place.train('run', '--train.max_steps', '2'));
  let copies = 0;
  /** A copy of the trained step folder, as a run of its own. */
  const copy = (): string => {
    const name = `copy-${++copies}`;
    cpSync(place.path('run'), place.path(name), { recursive: true });
    return name;
  };
  const step = 'step-000002';
  const generate = (dir: string) => ['generate', dir, '--backend', BACKEND, '--tokens', '2'];
  /** Writes model.safetensors again, changed. */
  async function rewrite(run: string, change: (name: string, data: Float32Array) => number[] | null): Promise<void> {
    const tensors = [...place.tensors(run, step, 'model.safetensors')].flatMap(([name, data]) => {
      const shape = change(name, data) ?? [];
      return shape.length === 0 ? [] : [{ name, dtype: 'F32' as const, shape, data }];
    });
    await writeSafetensors(place.path(run, step, 'model.safetensors'), tensors);
  }
  const header = (file: Buffer): string => file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString();
  const shapeOf = (run: string, name: string): number[] =>
    (JSON.parse(header(place.read(run, step, 'model.safetensors'))) as Record<string, { shape: number[] }>)[name]!
      .shape;

  test('absent', () => refuses(generate('absent'), 4, 'absent'));

  test('a folder that is none', () => refuses(generate('.'), 4, /no checkpoint folder/));

  test.each([0, 5, 100, 60_000])('model.safetensors cut off after %i bytes', async (length) => {
    const run = copy();
    truncateSync(place.path(run, step, 'model.safetensors'), length);
    await refuses(generate(run), 4, `${run}/${step}/model.safetensors`);
  });

  test('a tensor is missing', async () => {
    const run = copy();
    await rewrite(run, (name) => (name.includes('h.1.ln_2.bias') ? null : shapeOf('run', name)));
    await refuses(generate(run), 4, 'model.safetensors', /h\.1\.ln_2\.bias/);
  });

  test('a tensor has another shape', async () => {
    const run = copy();
    await rewrite(run, (name) => (name.endsWith('wpe.weight') ? [16, 64] : shapeOf('run', name)));
    await refuses(generate(run), 4, 'model.safetensors', /wpe\.weight/, /16, ?64/);
  });

  test('config.json is damaged, or says another shape', async () => {
    const run = copy();
    const config = place.read(run, step, 'config.json').toString();
    place.write(`${run}/${step}/config.json`, config.slice(0, 40));
    await refuses(generate(run), 4, `${step}/config.json`);
    place.write(`${run}/${step}/config.json`, config.replace('"n_embd": 32', '"n_embd": 64'));
    await refuses(generate(run), 4, 'model.safetensors');
  });

  test.each([
    [255, 'smaller'],
    [300, 'larger'],
  ])('a vocabulary of %i, %s than the tokenizer has', async (vocabulary, kind) => {
    const run = copy();
    rmSync(place.path(run, step, 'trainer'), { recursive: true }); // as in a Hugging Face folder
    const config = place.read(run, step, 'config.json').toString();
    place.write(`${run}/${step}/config.json`, config.replace('"vocab_size": 257', `"vocab_size": ${vocabulary}`));
    const data = new Float32Array(vocabulary * 32);
    const tensors = [...place.tensors(run, step, 'model.safetensors')].map(([name, values]) =>
      name.endsWith('wte.weight')
        ? { name, dtype: 'F32' as const, shape: [vocabulary, 32], data }
        : { name, dtype: 'F32' as const, shape: shapeOf('run', name), data: values },
    );
    await writeSafetensors(place.path(run, step, 'model.safetensors'), tensors);
    await refuses(generate(run), 4, new RegExp(`vocabulary of ${vocabulary} is ${kind} than the tokenizer's 257`));
  });

  test('resume from damaged training state: says which file, and changes nothing', async () => {
    for (const name of ['optimizer.safetensors', 'state.json']) {
      const run = copy();
      truncateSync(place.path(run, step, 'trainer', name), 300);
      const before = readdirSync(place.path(run), { recursive: true });
      await refuses(['pretrain', '--resume', run, '--train.max_steps', '4'], 4, `${step}/trainer/${name}`);
      expect(readdirSync(place.path(run), { recursive: true })).toEqual(before);
    }
  });

  test('a damaged latest checkpoint: the message names one that is whole, from which the run goes on', async () => {
    await place.train('two', '--train.max_steps', '2', '--train.save_every', '1');
    truncateSync(place.path('two', 'step-000002', 'model.safetensors'), 1000);
    await refuses(['pretrain', '--resume', 'two'], 4, 'step-000002/model.safetensors', /--resume two\/step-000001/);
    expect((await place.gpt(['pretrain', '--resume', 'two/step-000001'])).code).toBe(0);
    expect(place.read('two', 'latest').toString()).toBe('step-000002-2\n');
  });
});
