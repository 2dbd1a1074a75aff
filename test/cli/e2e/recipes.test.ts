// What decides how long, how large and how fast a run trains: plan, dry run, ramp, recompute, limits, early stop.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BACKEND, complaint, DROPOUT, story, TINY, Workplace } from './gpt.js';

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
});
afterAll(() => place.remove());

describe('gpt plan', () => {
  test('prints parameters, memory, disk, batch and time of a preset', async () => {
    const { code, stdout } = await place.gpt(['plan', 'gpt2-124m', '--gflops', '300']);
    expect(code).toBe(0);
    expect(stdout).toContain('124,439,808');
    expect(stdout).toMatch(/\n {12}total +\d+\.\d+ GiB/);
    expect(stdout).toContain('19,074 steps, 10.0B tokens');
    expect(stdout).toContain('309d at 300 GFLOP/s');
  });

  test('says what would fit where the run does not', async () => {
    const { code, stdout } = await place.gpt(['plan', 'gpt2-124m'], { GPT_MEMORY: String(3 * 2 ** 30) });
    expect(code).toBe(0);
    expect(stdout).toMatch(/does not fit\n +--train\.\S+ \S+/);
  });

  test('--json, and epochs of a text whose length is given', async () => {
    const { stdout } = await place.gpt(['plan', 'gpt1', '--tokens', '1e9', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'gpt1', params: 116_534_784, steps: 3_051_758 });
    const unknown = await place.gpt(['plan', 'gpt1']);
    expect(unknown.stdout).toContain('give --tokens N');
    expect(unknown.code).toBe(0);
  });

  test('a wrong key or config is a usage error', async () => {
    expect(complaint(await place.gpt(['plan', 'gpt9']))).toMatchObject({ code: 2, wellFormed: true });
    expect(complaint(await place.gpt(['plan', 'mini', '--train.batch_tokns', '1']))).toMatchObject({ code: 2 });
  });
});

test('--dry-run checks everything, shows the plan and writes no run', async () => {
  const { code, stdout, stderr } = await place.gpt([
    'pretrain',
    '--data',
    'text.txt',
    '--out',
    'dry',
    ...TINY,
    '--dry-run',
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain('20 steps, 2.56k tokens');
  for (const section of ['memory', 'here', 'disk', 'compute', 'speed']) expect(stdout).toContain(`\n${section} `);
  expect(stderr).toContain(`backend ${BACKEND}`);
  expect(existsSync(place.path('dry'))).toBe(false);
});

test('--val-data: held-out text of its own', async () => {
  place.write('held-out.txt', story(40));
  await place.train('val', '--val-data', 'held-out.txt');
  const [start] = place.events('val', 'start');
  expect(start!.data.val_bytes).toBe(place.read('held-out.txt').length);
  expect(start!.data.train_bytes).toBe(place.read('text.txt').length);
});

describe('memory', () => {
  test('a run that does not fit exits with 6, names what fits, and leaves nothing', async () => {
    const flags = ['pretrain', '--data', 'text.txt', '--out', 'big', ...TINY, '--train.micro_batch', '4'];
    const ended = await place.gpt(flags, { GPT_MEMORY: String(100 * 2 ** 20) });
    expect(complaint(ended)).toMatchObject({ code: 6, wellFormed: true });
    expect(ended.stderr).toContain('100 MiB are available');
    expect(existsSync(place.path('big'))).toBe(false);
  });

  test('a resume is told of nothing that it could not change', async () => {
    await place.train('tight', '--train.max_steps', '2', '--train.micro_batch', '4');
    const args = ['pretrain', '--resume', 'tight', '--backend', BACKEND, '--train.max_steps', '3'];
    const ended = await place.gpt(args, { GPT_MEMORY: String(100 * 2 ** 20) });
    expect(complaint(ended)).toMatchObject({ code: 6, wellFormed: true });
    expect(ended.stderr).not.toContain('n_ctx');
  });

  test('bench refuses what does not fit', async () => {
    const ended = await place.gpt(['bench', '--model', 'mini', '--backend', BACKEND], { GPT_MEMORY: '200000000' });
    expect(complaint(ended)).toMatchObject({ code: 6, wellFormed: true });
  });

  test('GPT_MEMORY that is no number is refused', async () => {
    const ended = await place.gpt(['plan', 'mini'], { GPT_MEMORY: '8G' });
    expect(complaint(ended)).toMatchObject({ code: 2, wellFormed: true });
    expect(ended.stderr).toContain('GPT_MEMORY is "8G"');
  });

  test('micro_batch auto takes what fits, and a resume keeps it', async () => {
    await place.train('auto', '--train.micro_batch', 'auto', '--train.max_steps', '6');
    expect(place.events('auto', 'start')[0]).toMatchObject({ micro_batch: 4, grad_accumulation: 1 });
    const { code } = await place.gpt(['pretrain', '--resume', 'auto', '--backend', BACKEND, '--train.max_steps', '8']);
    expect(code).toBe(0);
    expect(place.events('auto', 'start')[1]).toMatchObject({ micro_batch: 4, resumed_from: 6 });
  });

  test('recompute: the same losses and parameters', async () => {
    const flags = [...DROPOUT, '--train.max_steps', '6'];
    await place.train('stored', ...flags);
    await place.train('recomputed', ...flags, '--train.recompute');
    expect(place.losses('recomputed')).toEqual(place.losses('stored'));
    expect(place.state('recomputed', 'step-000006')).toEqual(place.state('stored', 'step-000006'));
  });
});

describe('a batch ramp', () => {
  const ramp = [
    '--train.batch_tokens',
    '512',
    '--train.batch_start_tokens',
    '128',
    '--train.batch_ramp_tokens',
    '3000',
  ];

  test('grows the batch, and a resume in the middle is bitwise the whole run', async () => {
    const flags = [...ramp, ...DROPOUT, '--train.micro_batch', '2'];
    await place.train('ramp', ...flags, '--train.max_steps', '16');
    const sizes = place.events('ramp', 'step').map((e) => e.batch_tokens!);
    expect([sizes[0], sizes.at(-1)]).toEqual([128, 512]);
    expect(sizes.every((size, i) => i === 0 || size >= sizes[i - 1]!)).toBe(true);
    expect(place.events('ramp', 'step').at(-1)!.tokens).toBe(sizes.reduce((a, b) => a + b, 0));

    await place.train(
      'ramp-parts',
      ...flags,
      '--train.max_steps',
      '16',
      '--train.save_every',
      '5',
      '--train.keep',
      '9',
    );
    const folder = 'ramp-parts/step-000005';
    const { code } = await place.gpt(['pretrain', '--resume', folder, '--backend', BACKEND]);
    expect(code).toBe(0);
    expect(place.state('ramp-parts', 'step-000016-2')).toEqual(place.state('ramp', 'step-000016'));
  });
});

describe('a resume', () => {
  const resume = (...flags: string[]) => place.gpt(['pretrain', '--resume', 'fixed', '--backend', BACKEND, ...flags]);

  test('refuses what would change the order of the text: seed, optimizer, batches', async () => {
    await place.train('fixed', '--train.max_steps', '4');
    for (const [flag, value] of [
      ['--train.batch_tokens', '256'],
      ['--train.batch_ramp_tokens', '1000'],
      ['--train.seed', '2'],
      ['--train.optimizer', 'openai-adam'],
    ] as const) {
      const result = complaint(await resume(flag, value, '--train.max_steps', '6'));
      expect(result).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining(flag) });
    }
    expect(place.names('fixed').filter((name) => name.startsWith('step-'))).toEqual(['step-000004']);
  });

  test('takes another micro-batch, but not inside a ramp', async () => {
    expect((await resume('--train.micro_batch', '1', '--train.max_steps', '5')).code).toBe(0);
    const ramp = ['--train.batch_start_tokens', '64', '--train.batch_ramp_tokens', '1000', '--train.micro_batch', '2'];
    await place.train('ramped', ...ramp, '--train.max_steps', '4');
    const other = ['--train.micro_batch', '1', '--train.max_steps', '6', '--backend', BACKEND];
    const result = complaint(await place.gpt(['pretrain', '--resume', 'ramped', ...other]));
    expect(result).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining('micro-batches of 2') });
  });
});

test.each(['', '.', 'runs/..', 'runs/step-000100', 'run.tmp-7'])('--out %j is no name for a run', async (out) => {
  const result = complaint(await place.gpt(['pretrain', '--data', 'text.txt', '--out', out, ...TINY]));
  expect(result).toMatchObject({ code: 2, wellFormed: true });
});

test('--max-minutes saves, says so, exits with 0, and --resume goes on', async () => {
  const { stdout } = await place.train('limited', '--max-minutes', '0.0001', '--train.max_steps', '50');
  expect(stdout).toContain('train.max_minutes 0.0001 are over');
  expect(place.events('limited', 'end')[0]).toMatchObject({ reason: 'interrupted', step: 1 });
  const resumed = await place.gpt([
    'pretrain',
    '--resume',
    'limited',
    '--backend',
    BACKEND,
    '--train.max_steps',
    '3',
    '--train.max_minutes',
    '10',
  ]);
  expect(resumed.code).toBe(0);
  expect(place.events('limited', 'end')[1]).toMatchObject({ reason: 'done', step: 3 });
});

test.each([
  ['--sample.prompt', 'long '.repeat(20)],
])('a sample prompt beyond the context is refused before training, also by --dry-run', async (...flags) => {
  for (const more of [[], ['--dry-run']]) {
    const args = ['pretrain', '--data', 'text.txt', '--out', 'prompted', ...TINY, ...flags, ...more];
    expect(complaint(await place.gpt(args))).toMatchObject({ code: 2, wellFormed: true });
  }
  expect(existsSync(place.path('prompted'))).toBe(false);
});

test('z-scores go on after a resume', async () => {
  const flags = ['--train.max_steps', '134', '--train.eval_every', '0'];
  await place.train('scored', ...flags, '--train.save_every', '130', '--train.keep', '9');
  const scores = () =>
    place.events('scored', 'step').map(({ step, loss_z, grad_norm_z }) => [step, loss_z, grad_norm_z]);
  const whole = scores().slice(130);
  expect(whole.flat().every((z) => typeof z === 'number')).toBe(true);
  const args = ['pretrain', '--resume', 'scored/step-000130', '--backend', BACKEND];
  expect((await place.gpt(args)).code).toBe(0);
  expect(scores().slice(134)).toEqual(whole);
});

test('early_stop ends a run that no longer gets better', async () => {
  const flags = ['--train.early_stop', '2', '--train.eval_every', '1', '--train.learning_rate', '1'];
  const { stdout } = await place.train('early', ...flags, '--train.lr_schedule', 'constant', '--train.max_steps', '60');
  const [end] = place.events('early', 'end');
  expect(end!.reason).toBe('done');
  expect(end!.step).toBeLessThan(60);
  expect(end!.step).toBe(end!.best_step! + 2);
  expect(stdout).toContain('stopped early: 2 validations without a better one');
  const again = await place.gpt(['pretrain', '--resume', 'early', '--backend', BACKEND]);
  expect(again.code).toBe(0);
  expect(again.stderr).toContain('--train.early_stop 4');
  expect(place.events('early', 'step').length).toBe(end!.step);
});

test('a run that diverges exits with 5, names the first bad tensor and keeps its last good checkpoint', async () => {
  const flags = ['--train.learning_rate', '1e30', '--train.grad_clip', '0', '--train.save_every', '1'];
  const ended = await place.gpt(['pretrain', '--data', 'text.txt', '--out', 'wild', ...TINY, ...flags]);
  expect(complaint(ended)).toMatchObject({ code: 5, wellFormed: true });
  expect(ended.stderr).toMatch(/the first bad tensor: (the gradient of )?transformer\.\S+, \S+ at element \d+/);
  const steps = place.names('wild').filter((n) => n.startsWith('step-'));
  expect(steps.length).toBeGreaterThan(0);
  for (const name of steps) {
    const values = [...place.tensors('wild', name, 'model.safetensors').values()];
    expect(values.every((tensor) => tensor.every(Number.isFinite))).toBe(true);
  }
});
