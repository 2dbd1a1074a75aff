// `gpt pretrain` from a text file to a run folder.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunEvent } from '../../../src/base/events.js';
import { DROPOUT, type Ended, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe('a run', () => {
  let ended: Ended;
  beforeAll(async () => {
    ended = await place.train('run', '--train.max_steps', '40', '--train.save_every', '20', '--train.log_every', '20');
  });

  test('leaves the promised folder', () => {
    const step = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'trainer'];
    expect(place.names('run')).toEqual([
      'best',
      expect.stringMatching(/^events\.out\.tfevents\./),
      'latest',
      'report.html',
      'report.json',
      'run.jsonl',
      'step-000020',
      'step-000040',
    ]);
    expect(place.names('run', 'step-000040')).toEqual(step);
    expect(place.names('run', 'step-000040', 'trainer')).toEqual(['optimizer.safetensors', 'state.json']);
    expect(place.read('run', 'latest').toString()).toBe('step-000040\n');
    expect(place.read('run', 'best').toString()).toBe('step-000040\n');
    expect(JSON.parse(place.read('run', 'step-000040', 'config.json').toString())).toMatchObject({
      model_type: 'gpt2',
      n_layer: 2,
      n_embd: 32,
      n_positions: 32,
      vocab_size: 257,
    });
    expect(place.tensors('run', 'step-000040', 'model.safetensors').has('transformer.h.1.mlp.c_fc.weight')).toBe(true);
    const html = place.read('run', 'report.html').toString();
    expect(html).toContain('<svg');
    expect(html.match(/(src|href)="https?:/g)).toBeNull();
    expect(() => JSON.parse(place.read('run', 'report.json').toString())).not.toThrow();
  });

  test('writes a log of which every line is as the schema says', () => {
    const lines = place.read('run', 'run.jsonl').toString().trimEnd().split('\n');
    const known = lines.map((line) => RunEvent.parse(JSON.parse(line)));
    expect(known).toEqual(lines.map((line) => JSON.parse(line)));
  });

  test('learns', () => {
    const losses = place.losses('run');
    expect(losses).toHaveLength(40);
    expect(Math.abs(losses[0]! - Math.log(257))).toBeLessThan(0.2); // nothing known yet: uniform
    expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)) - 1);
  });

  test('says what it does, and what to do next', () => {
    const { stdout, stderr } = ended;
    for (const text of [
      '34.7k parameters',
      'tokens to train on',
      'of memory',
      'step 20/40',
      'val loss',
      'bpb',
      'tok/s',
      'saved run/step-000040',
      'sample',
      'report   run/report.html',
      'generate run --prompt',
      'eval run',
    ]) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toContain('\x1b');
    expect(stderr).toBe('');
  });

  test('keeps the number of tensors', () => {
    const tensors = place.events('run', 'step').map((e) => e.tensors);
    expect(new Set(tensors.slice(4)).size).toBe(1);
  });

  test('a name in use gets a number, and nothing of the first run changes', async () => {
    const before = [place.read('run', 'run.jsonl'), place.read('run', 'step-000040', 'model.safetensors')];
    const { stdout } = await place.train('run', '--quiet', '--train.max_steps', '2');
    expect([place.read('run', 'run.jsonl'), place.read('run', 'step-000040', 'model.safetensors')]).toEqual(before);
    expect(place.names('run-2')).toContain('step-000002');
    // --quiet: the summary and nothing else
    expect(stdout).toContain('done');
    expect(stdout).not.toMatch(/step 1\/|saved|sample|generate/);
  });
});

test('--json writes events and nothing else', async () => {
  const { stdout, stderr } = await place.train('as-json', '--json', '--train.max_steps', '3');
  expect(stdout).toBe(place.read('as-json', 'run.jsonl').toString());
  const events = stdout.trimEnd().split('\n');
  const types = events.map((line) => (JSON.parse(line) as RunEvent).type);
  // the checkpoint is published while the rest goes on
  const others = types.filter((type) => type !== 'checkpoint');
  expect(others).toEqual(['start', 'step', 'step', 'step', 'val', 'val', 'sample', 'end']);
  expect(types.length - others.length).toBe(1);
  expect(stderr).toBe('');
});

test('--print-config shows every value with its origin, and trains nothing', async () => {
  place.write('my.yaml', 'extends: mini\ntrain:\n  learning_rate: 1e-3\n');
  const args = ['pretrain', 'my.yaml', '--train.max_steps', '7', '--print-config', '--backend', 'native'];
  const { code, stdout } = await place.gpt(args);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}learning_rate: 0\.001 +# my\.yaml:3$/m);
  expect(stdout).toMatch(/^ {2}max_steps: 7 +# --train\.max_steps$/m);
  expect(stdout).toMatch(/^ {2}n_embd: 384 +# .*mini\.yaml:\d+$/m);
  expect(stdout).toMatch(/^ {2}layer_norm_epsilon: 0\.00001 +# default$/m);
  expect(place.names()).not.toContain('checkpoints');
});

test('quickstart is much smaller where there are no native kernels', async () => {
  const config = async (backend: string) =>
    (await place.gpt(['pretrain', 'quickstart', '--print-config', '--backend', backend])).stdout;
  expect(await config('cpu')).toMatch(/^ {2}n_ctx: 64 +# .*quickstart\.yaml:\d+$/m);
  expect(await config('wasm')).toMatch(/^ {2}max_steps: 300 /m);
  expect(await config('native')).toMatch(/^ {2}n_ctx: 192 /m);
});

test('NO_COLOR and --color', async () => {
  const run = (out: string, color: string[], env: Record<string, string>) =>
    place.gpt(
      ['pretrain', '--data', 'text.txt', '--out', out, ...TINY, '--train.max_steps', '1', '--quiet', ...color],
      env,
    );
  expect((await run('plain', [], { NO_COLOR: '1', FORCE_COLOR: '1' })).stdout).not.toContain('\x1b');
  expect((await run('colour', ['--color', 'always'], { NO_COLOR: '1' })).stdout).toContain('\x1b[');
});

test('validates, samples and saves when they are due, keeps the newest and the best', async () => {
  const every = ['--train.eval_every', '8', '--train.save_every', '6', '--sample.every', '5', '--train.keep', '1'];
  await place.train('due', ...every, '--train.learning_rate', '1e-9', '--train.weight_decay', '0');
  const steps = (type: 'val' | 'sample' | 'checkpoint') => place.events('due', type).map(({ step }) => step);
  expect(steps('val')).toEqual([8, 16, 20, 20]); // the last one twice: on more text
  expect(steps('sample')).toEqual([5, 10, 15, 20]);
  const best = place.events('due', 'val').filter((e) => e.best);
  expect(steps('checkpoint')).toEqual(
    [...new Set([6, 12, 18, 20, ...best.map(({ step }) => step)])].sort((a, b) => a - b),
  );
  expect(place.names('due').filter((name) => name.startsWith('step-'))).toEqual(
    [...new Set([best.at(-1)!.step, 20])].map((step) => `step-${String(step).padStart(6, '0')}`),
  );
  expect(place.read('due', 'best').toString()).toBe(`step-${String(best.at(-1)!.step).padStart(6, '0')}\n`);
});

test.each([
  ['gpt1', ['--model.arch', 'gpt1', '--train.optimizer', 'openai-adam']],
  ['gpt3', ['--model.arch', 'gpt3', '--model.window_size', '8']],
  ['dropout', DROPOUT],
])('%s trains', async (name, flags) => {
  await place.train(name, ...flags);
  const losses = place.losses(name);
  expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 5)) - 0.3);
  expect(place.read(name, 'report.html').length).toBeGreaterThan(1000);
});

test('a banded layer sees less than a dense one', async () => {
  await place.train('banded', '--model.arch', 'gpt3', '--model.window_size', '4', '--train.max_steps', '5');
  await place.train('dense', '--train.max_steps', '5');
  expect(place.losses('banded')).not.toEqual(place.losses('dense'));
});

test('gradient accumulation: 3 micro-batches of 4 are one of 12', async () => {
  const batch = ['--train.batch_tokens', '384', '--train.max_steps', '8'];
  await place.train('twelve', ...batch, '--train.micro_batch', '12');
  await place.train('three-fours', ...batch, '--train.micro_batch', '4');
  const [a, b] = [place.losses('twelve'), place.losses('three-fours')];
  expect(b).toHaveLength(8);
  expect(Math.max(...a.map((loss, i) => Math.abs(loss - b[i]!)))).toBeLessThan(1e-5);
  expect(place.events('three-fours', 'start')[0]).toMatchObject({ micro_batch: 4, grad_accumulation: 3 });

  // Adam divides by the root of v: where a gradient is mere rounding, the sign of an update is rounding too.
  const other = place.tensors('three-fours', 'step-000008', 'model.safetensors');
  const differences: number[] = [];
  for (const [name, values] of place.tensors('twelve', 'step-000008', 'model.safetensors')) {
    if (name.endsWith('c_attn.bias')) continue; // the gradient of the key bias is zero but for rounding
    values.forEach((value, i) => void differences.push(Math.abs(value - other.get(name)![i]!)));
  }
  differences.sort((x, y) => x - y);
  expect(differences[Math.floor(differences.length * 0.99)]).toBeLessThan(1e-5);
  expect(differences.at(-1)).toBeLessThan(3e-3);
});
