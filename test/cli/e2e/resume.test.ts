// Stopping and going on: whatever stops a run, the resumed one ends with the same bytes as one that never stopped.

import { cpSync, mkdirSync, symlinkSync, watch } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random, Stream } from '../../../src/base/rng.js';
import { complaint, DROPOUT, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());
const resume = (run: string, ...more: string[]) => place.gpt(['pretrain', '--resume', run, ...more]);

describe('with dropout', () => {
  beforeAll(() => place.train('run', ...DROPOUT, '--train.save_every', '10', '--train.keep', '9'));

  test('10 steps and a resume are 20 steps, with any number of threads', async () => {
    const straight = place.state('run', 'step-000020');
    for (const threads of ['1', '3']) {
      cpSync(place.path('run'), place.path(`run-${threads}`), { recursive: true });
      const { code, stdout } = await resume(`run-${threads}/step-000010`, '--threads', threads);
      expect(code).toBe(0);
      expect(stdout).toContain('goes on from step 10');
      expect(place.state(`run-${threads}`, 'step-000020-2')).toEqual(straight);
      expect(place.read(`run-${threads}`, 'latest').toString()).toBe('step-000020-2\n');
    }
    const losses = place.losses('run');
    expect(place.losses('run-1')).toEqual([...losses, ...losses.slice(10)]);
  });

  test('other dropout masks would show', async () => {
    await place.train('other', ...DROPOUT, '--train.seed', '2', '--train.max_steps', '2');
    expect(place.losses('other')).not.toEqual(place.losses('run').slice(0, 2));
  });

  test('a finished run goes on when it is given more steps', async () => {
    cpSync(place.path('run'), place.path('longer'), { recursive: true });
    const log = place.read('longer', 'run.jsonl');
    const done = await resume('longer');
    expect(done).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('--train.max_steps') });
    expect(place.read('longer', 'run.jsonl')).toEqual(log);
    const { code } = await resume('longer', '--train.max_steps', '22');
    expect(code).toBe(0);
    expect(place.names('longer')).toContain('step-000022');
    expect(place.events('longer', 'step').at(-1)?.step).toBe(22);
  });

  test.each([
    [['quickstart'], 'quickstart'],
    [['--out', 'elsewhere'], '--out'],
    [['--model.n_layer', '4'], '--model.n_layer'],
    [['--tokenizer.type=char'], '--tokenizer.type'],
  ])('a resume does not take %j', async (more, named) => {
    const ended = await place.gpt(['pretrain', ...more, '--resume', 'run']);
    expect(complaint(ended)).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining(named) });
    expect(place.names()).not.toContain('elsewhere');
  });
});

describe('signals', () => {
  const flags = [...DROPOUT, '--train.max_steps', '120', '--train.log_every', '1', '--sample.tokens', '0'];
  beforeAll(() => place.train('straight', ...flags));

  test.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s finishes the step, saves, says how to go on, and exits with %i', async (signal, code) => {
    const running = place.start(['pretrain', '--data', 'text.txt', '--out', signal, ...TINY, ...flags]);
    await running.says('step 10/');
    running.process.kill(signal);
    const ended = await running.ended;
    expect({ ...ended, stdout: '' }).toMatchObject({ code, stderr: expect.stringContaining('once more to exit') });
    expect(ended.stdout).toContain(`pretrain --resume ${signal}`);
    expect(place.events(signal, 'end')[0]).toMatchObject({ reason: 'interrupted' });
    const { step } = place.events(signal, 'checkpoint').at(-1)!;
    expect(step).toBeGreaterThanOrEqual(10);
    expect(step).toBeLessThan(120);

    expect((await resume(signal)).code).toBe(0);
    expect(place.state(signal, 'step-000120')).toEqual(place.state('straight', 'step-000120'));
  });

  test('the reader of the output has gone: saved as on SIGTERM', async () => {
    const running = place.start(['pretrain', '--data', 'text.txt', '--out', 'piped', ...TINY, ...flags]);
    await running.says('step 10/');
    running.process.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toMatchObject({ code: 143, stderr: expect.not.stringContaining('EPIPE') });
    expect(place.events('piped', 'checkpoint').at(-1)!.step).toBeLessThan(120);
  });

  test('a second Ctrl-C exits at once, in the middle of a step', async () => {
    const long = ['--train.batch_tokens', '524288', '--train.micro_batch', '8']; // seconds a step
    const running = place.start(['pretrain', '--data', 'text.txt', '--out', 'twice', ...TINY, ...long]);
    await running.says('output');
    running.process.kill('SIGINT');
    running.process.kill('SIGINT'); // at once: one key press that is delivered twice
    const again = setInterval(() => running.process.kill('SIGINT'), 50);
    const { code, stderr } = await running.ended;
    clearInterval(again);
    expect(code).toBe(130);
    expect(stderr.match(/once more to exit/g)).toHaveLength(1);
    expect(place.names('twice').filter((name) => name.startsWith('step-'))).toEqual([]);
  });
});

test('kill -9 in the middle of saving, again and again, then a resume: the same bytes', async () => {
  const flags = [...DROPOUT, '--train.save_every', '1', '--sample.tokens', '0'];
  const keep = (attempt: number) => ['--train.keep', attempt % 2 === 0 ? '99' : '1']; // 1: it deletes old ones too
  const run = ['pretrain', '--data', 'text.txt', '--out', 'killed', ...TINY, ...flags, '--train.max_steps', '30'];
  await place.train('whole', ...flags, '--train.max_steps', '30');

  const random = new Random(1, Stream.test);
  let inTheMiddle = 0;
  for (let attempt = 0; attempt < 12 && inTheMiddle < 3; attempt++) {
    const first = attempt === 0;
    const running = place.start([...(first ? run : ['pretrain', '--resume', 'killed']), ...keep(attempt)]);
    if (first) await running.says('saved'); // until then there is nothing to go on from
    // the (1 to 3)th temporary folder of a save, and up to 7 ms into it
    let seen = random.below(3);
    const delay = random.below(8);
    const watcher = watch(place.path('killed'), (_, name) => {
      if (!/^step-\d+\.tmp-/.test(name ?? '') || seen-- !== 0) return;
      watcher.close();
      setTimeout(() => running.process.kill('SIGKILL'), delay);
    });
    const { signal, code, stdout, stderr } = await running.ended;
    watcher.close();
    if (code === 0) break; // got through to the end
    expect({ signal, code }, stdout + stderr).toEqual({ signal: 'SIGKILL', code: null });
    const latest = place.read('killed', 'latest').toString().trim();
    if (place.names('killed').some((name) => name.includes('.tmp-') && name > `${latest}.`)) inTheMiddle++;
    place.tensors('killed', latest, 'model.safetensors'); // throws if damaged
  }
  expect(inTheMiddle).toBeGreaterThan(0);
  const { code, stderr } = await resume('killed');
  expect(code, stderr).toBe(0);
  const last = place.read('killed', 'latest').toString().trim();
  expect(last).toMatch(/^step-000030/);
  expect(place.state('killed', last)).toEqual(place.state('whole', 'step-000030'));
  expect(place.names('killed').filter((name) => name.includes('.tmp-'))).toEqual([]);
  expect(place.events('killed', 'end').at(-1)).toMatchObject({ reason: 'done', step: 30 });
});

test('a step goes on in its own run, whatever path leads to it', async () => {
  await place.train('home', '--train.max_steps', '2');
  symlinkSync(place.path('home/step-000002'), place.path('pinned'));
  expect((await resume('pinned', '--train.max_steps', '3')).code).toBe(0);
  expect((await resume('home/step-000003/.', '--train.max_steps', '4')).code).toBe(0);
  expect(place.names('home').filter((name) => name.startsWith('step-'))).toEqual(['step-000003', 'step-000004']);
  expect(place.read('home', 'latest').toString()).toBe('step-000004\n');
});

describe('what cannot go on', () => {
  test('a plain Hugging Face folder', async () => {
    await place.train('source', '--train.max_steps', '1');
    cpSync(place.path('source/step-000001'), place.path('hf'), {
      recursive: true,
      filter: (name) => !name.endsWith('trainer'),
    });
    const result = complaint(await resume('hf'));
    expect(result).toMatchObject({ code: 4, wellFormed: true, text: expect.stringContaining('hf has no trainer/') });
    expect((await place.gpt(['generate', 'hf', '--tokens', '3'])).code).toBe(0); // it is a model all the same
  });

  test('a step that lies in no run: nothing beside it is touched', async () => {
    await place.train('origin', '--train.max_steps', '1');
    mkdirSync(place.path('keepers'));
    for (const name of ['step-000001', 'step-080000']) {
      cpSync(place.path('origin/step-000001'), place.path('keepers', name), { recursive: true });
    }
    const result = complaint(await resume('keepers/step-000001', '--train.max_steps', '3', '--train.keep', '1'));
    expect(result).toMatchObject({
      code: 4,
      wellFormed: true,
      text: expect.stringContaining("outside of a run's folder"),
    });
    expect(place.names('keepers')).toEqual(['step-000001', 'step-080000']);
  });

  test('a run whose text has changed', async () => {
    place.write('draft.txt', 'The first version of a text. '.repeat(200));
    await place.train('drafted', '--data', 'draft.txt', '--train.max_steps', '2');
    const before = place.names('drafted');
    place.write('draft.txt', 'The second version of a text. '.repeat(200));
    for (const args of [
      ['pretrain', '--resume', 'drafted', '--train.max_steps', '4'],
      ['eval', 'drafted'],
    ]) {
      const result = complaint(await place.gpt(args));
      expect(result).toMatchObject({
        code: 4,
        wellFormed: true,
        text: expect.stringContaining('the text has changed'),
      });
    }
    expect(place.names('drafted')).toEqual(before);
  });
});
