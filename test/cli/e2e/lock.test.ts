// Two processes and one folder of a run: the second is told who is there, or gets a folder of its own. What a killed run
// leaves is in faults.test.ts; the lock itself in test/base/lock.test.ts.

import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockFolder } from '../../../src/base/lock.js';
import { complaint, TINY, Workplace } from './gpt.js';

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
});
afterAll(() => place.remove());

test.each([
  'pretrain',
  'finetune',
])('%s --resume where another process trains names it, and changes nothing', async (command) => {
  const run = `${command}-run`;
  mkdirSync(place.path(run, 'step-000010', 'trainer'), { recursive: true });
  place.write(`${run}/latest`, 'step-000010\n');
  place.write(`${run}/run.jsonl`, '');
  const unlock = lockFolder(place.path(run));
  const names = place.names(run);
  const refused = complaint(await place.gpt([command, '--resume', run]));
  unlock();
  expect(refused).toMatchObject({ code: 4, wellFormed: true });
  expect(refused.text).toContain(
    `${run} is in use: process ${process.pid} on host ${hostname()} has been training there`,
  );
  expect(refused.text).toContain(`kill ${process.pid}: it saves first), or start a run of your own`);
  expect(place.names(run)).toEqual(names.filter((name) => name !== 'lock'));
  expect(place.read(run, 'run.jsonl')).toHaveLength(0);
});

test('two runs that start with one name at the same time get a folder each', async () => {
  const start = () => place.gpt(['pretrain', '--data', 'text.txt', '--out', 'same', ...TINY, '--train.max_steps', '2']);
  for (const { code, stderr } of await Promise.all([start(), start()])) expect(code, stderr).toBe(0);
  for (const run of ['same', 'same-2']) {
    expect(place.events(run, 'start')).toHaveLength(1);
    expect(place.events(run, 'step').map(({ step }) => step)).toEqual([1, 2]);
    expect(place.names(run)).not.toContain('lock');
  }
});
