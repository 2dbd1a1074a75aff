// `gpt pretrain`, `parity`, `generate` and `bench` on the simulated GPU: a whole run on the backend, with the kernels' own
// sources. What this cannot show is that a real GPU, driver and cuBLASLt do what the simulated ones do.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TINY, Workplace } from '../cli/e2e/gpt.js';
import { filesOf, writeSets } from '../cli/e2e/tasks.js';
import { buildSim, simEnvironment } from './build_sim.mjs';
import { NEEDS_SIM, ROOT, reason } from './machine.js';

/** Form, set, flags. */
const FORMS = [
  ['classification', 'feeling.tsv', '--finetune.class_weights', 'balanced'],
  ['similarity', 'score.csv', '--readout', 'cosine', '--objective', 'regression'],
  ['multiple-choice', 'ending.jsonl', '--lora.r', '2'],
] as const;

describe.skipIf(reason !== undefined)(`gpt on the simulated GPU${NEEDS_SIM}`, () => {
  const place = new Workplace();
  let env: Record<string, string>;
  beforeAll(async () => {
    env = { ...simEnvironment(await buildSim()), GPT_CUDA_POOL: '' }; // the backend's own pool
  }, 600_000);
  afterAll(() => place.remove());

  const gpt = async (args: readonly string[], more: Record<string, string> = {}) => {
    const ended = await place.gpt(args, { ...env, ...more });
    expect(ended.stderr + (ended.code === 0 ? '' : ended.stdout)).toBe('');
    expect(ended.code).toBe(0);
    return ended.stdout;
  };
  const STORIES = `${ROOT}data/stories`;
  // heads of 64 for the tensor-core attention, banded layers, dropout, several micro-batches
  const MODEL = [
    ...[...TINY.slice(2), '--model.arch', 'gpt3', '--model.window_size', '9'],
    ...['--model.n_embd', '128', '--model.n_head', '2', '--train.micro_batch', '2', '--train.max_steps', '10'],
    ...['--model.resid_pdrop', '0.1', '--model.attn_pdrop', '0.1', '--train.eval_every', '5'],
  ];
  const train = (out: string, backend: string, flags: readonly string[] = [], more = {}) =>
    gpt(['pretrain', '--data', STORIES, '--out', out, ...MODEL, '--backend', backend, ...flags, '--quiet'], more);
  const off = (a: string, b: string) => {
    const [x, y] = [place.losses(a), place.losses(b)];
    expect(x).toHaveLength(10);
    return Math.max(...x.map((loss, i) => Math.abs(loss - y[i]!) / y[i]!));
  };

  const FIXTURES = ['gpt1-tiny', 'gpt2-tiny-erf', 'gpt3-tiny'].map((name) => `${ROOT}test/fixtures/${name}`);
  const shared = `${ROOT}../shared/fixtures/gpt2-tiny`;
  if (existsSync(shared)) FIXTURES.push(shared);

  test.each(['fp32', 'tf32', 'bf16'])("PyTorch's numbers, %s", async (precision) => {
    const out = await gpt(['parity', ...FIXTURES, '--backend', 'cuda', '--precision', precision]);
    expect(out.match(/: within the tolerances/g)).toHaveLength(FIXTURES.length);
  });

  test('ten steps are those of the native backend', async () => {
    await train('native', 'native');
    await train('fp32', 'cuda');
    expect(off('fp32', 'native')).toBeLessThan(2e-5);
    expect(place.events('fp32', 'start')[0]).toMatchObject({ backend: 'cuda', device: 'Simulated GPU' });
    // the events of a run whose numbers are read a step late come in the same order
    const kinds = (run: string) =>
      place
        .read(run, 'run.jsonl')
        .toString()
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type)
        .filter((type) => type !== 'checkpoint'); // said when it is on the disk
    expect(kinds('fp32')).toEqual(kinds('native'));

    await train('bf16', 'cuda', ['--precision', 'bf16']);
    expect(off('bf16', 'native')).toBeLessThan(1e-3);
    expect(off('bf16', 'native')).toBeGreaterThan(1e-6);
  });

  test('an interrupted run goes on bitwise, whatever is in fresh memory and wherever it lies', async () => {
    const flags = ['--precision', 'bf16', '--train.save_every', '5', '--train.keep', '9'];
    await train('whole', 'cuda', flags);
    await train('poisoned', 'cuda', flags, { GPT_CUDA_POISON: '1' });
    await train('apart', 'cuda', flags, { GPT_CUDA_POOL: 'none' });
    expect(place.state('poisoned', 'step-000010')).toEqual(place.state('whole', 'step-000010'));
    expect(place.state('apart', 'step-000010')).toEqual(place.state('whole', 'step-000010'));
    await gpt(['pretrain', '--resume', 'whole/step-000005', '--backend', 'cuda', '--quiet']);
    expect(place.state('whole', 'step-000010-2')).toEqual(place.state('whole', 'step-000010'));
  });

  test('recompute changes nothing', async () => {
    await train('plain', 'cuda', ['--train.max_steps', '3']);
    await train('again', 'cuda', ['--train.max_steps', '3', '--train.recompute', 'true']);
    expect(place.losses('again')).toEqual(place.losses('plain'));
  });

  test('generates what the native backend generates, and evaluates to the same', async () => {
    await train('model', 'native');
    const write = (backend: string) =>
      gpt(['generate', 'model', '--backend', backend, '--prompt', 'The ', '--tokens', '20', '--temperature', '0']);
    expect(await write('cuda')).toBe(await write('native'));
    const score = async (backend: string) =>
      JSON.parse(await gpt(['eval', 'model', '--backend', backend, '--data', 'text.txt', '--json'])) as {
        loss: number;
      };
    const [got, want] = [await score('cuda'), await score('native')];
    expect(Math.abs(got.loss - want.loss)).toBeLessThan(1e-5);
  });

  test('fine-tunes on every form of task as the native backend does, with nothing on the host', async () => {
    writeSets(place);
    await train('base', 'native', ['--train.max_steps', '2']);
    const flags = ['--train.batch_size', '4', '--train.max_steps', '2', '--train.micro_tokens', '512'];
    const tune = (out: string, backend: string, form: string, set: string, more: readonly string[]) =>
      gpt([
        ...['finetune', 'base', '--task', form, ...filesOf(set), ...flags, ...more],
        ...['--backend', backend, '--out', out, '--quiet'],
      ]);
    for (const [form, set, ...more] of FORMS) {
      const [native, cuda] = [`${set}-native`, `${set}-cuda`];
      await tune(native, 'native', form, set, more);
      await tune(cuda, 'cuda', form, set, more); // a kernel that ran on the host would be told on stderr
      const [x, y] = [place.losses(native), place.losses(cuda)];
      expect(x).toHaveLength(2);
      expect(Math.max(...x.map((loss, i) => Math.abs(loss - y[i]!) / y[i]!)), form).toBeLessThan(5e-5);
    }
  });

  test('a step copies nothing to the host, converts nothing, and leaves nothing behind', async () => {
    const bench = async (steps: number, more: Record<string, string> = {}) =>
      JSON.parse(
        await gpt(
          [
            'bench',
            '--backend',
            'cuda',
            '--model',
            'mini',
            '--batch',
            '2',
            '--n-ctx',
            '32',
            '--precision',
            'bf16',
          ].concat(['--warmup', '3', '--steps', String(steps), '--quiet']),
          more,
        ),
      ) as { fallbacks: object; conversions: number; buffers: [number, number]; used: [number, number] };
    // the kernels do nothing: what is left is TF.js, the backend and the addon
    for (const [steps, more] of [
      [20, {}],
      [1000, { GPT_SIM_EMPTY: '1' }],
    ] as const) {
      const { fallbacks, conversions, buffers, used } = await bench(steps, more);
      expect({ fallbacks, conversions }).toEqual({ fallbacks: {}, conversions: 0 });
      expect(buffers[1]).toBe(buffers[0]);
      expect(used[1]).toBe(used[0]);
    }
  });
});
