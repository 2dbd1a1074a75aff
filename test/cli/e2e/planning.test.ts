// gpt plan, config and completion as a user runs them; what they say in detail: test/commands.

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { complaint, Workplace } from './gpt.js';

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
});
afterAll(() => place.remove());

test('gpt plan on GPUs, as JSON', async () => {
  const args = ['plan', 'gpt3-175b', '--gpus', '64', '--gpu-memory', '141GB', '--json'];
  const { code, stdout, stderr } = await place.gpt(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ params: 174_604_259_328, ranks: { first_stage_that_fits: 3 } });
});

test('gpt config show writes a file that gpt plan reads', async () => {
  const { code, stdout } = await place.gpt(['config', 'show', 'mini', '--model.n_layer', '2']);
  expect(code).toBe(0);
  place.write('two.yaml', stdout);
  const planned = await place.gpt(['plan', 'two.yaml']);
  expect(planned.stdout).toMatch(/^model +two: gpt2, 2 layers/);
  const unknown = await place.gpt(['config', 'show', 'gpt2-142m']);
  expect(complaint(unknown)).toMatchObject({ code: 2, wellFormed: true });
  expect(unknown.stderr).toContain('did you mean gpt2-124m?');
  expect((await place.gpt(['config', 'list'])).stdout).toContain('\ngpt3-175b ');
});

test('gpt completion bash is a script that bash reads', async () => {
  const { code, stdout } = await place.gpt(['completion', 'bash']);
  expect(code).toBe(0);
  const { stdout: registered, status } = spawnSync('bash', ['--norc'], { input: `${stdout}\ncomplete -p gpt\n` });
  expect([status, String(registered)]).toEqual([0, 'complete -F _gpt gpt\n']);
});
