// `gpt generate` from a trained model.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Generated } from '../../../src/generate/engine.js';
import { BACKEND, complaint, Workplace } from './gpt.js';

const place = new Workplace();
beforeAll(() => place.train('run', '--train.max_steps', '60'));
afterAll(() => place.remove());

const generate = (...more: string[]) => place.gpt(['generate', 'run', '--backend', BACKEND, ...more]);

async function samples(...more: string[]): Promise<Generated[]> {
  const { code, stdout, stderr } = await generate('--json', ...more);
  expect(code, stderr).toBe(0);
  return (JSON.parse(stdout) as { samples: Generated[] }).samples;
}

const text = async (...more: string[]): Promise<string> => (await samples(...more))[0]!.text;

test('what is streamed is what --json gives, with the prompt in front', async () => {
  const args = ['--prompt', 'The owl', '--tokens', '50', '--seed', '3'];
  const { stdout, stderr } = await generate(...args);
  expect(stdout).toBe(`The owl${await text(...args)}\n`);
  expect(stderr).toBe('');
});

test('greedy: the same text whatever the seed, and with --top-k 1', async () => {
  const greedy = await text('--prompt', 'The', '--tokens', '40', '--temperature', '0', '--seed', '1');
  expect(greedy).toHaveLength(40);
  expect(await text('--prompt', 'The', '--tokens', '40', '--temperature', '0', '--seed', '2')).toBe(greedy);
  expect(await text('--prompt', 'The', '--tokens', '40', '--top-k', '1', '--seed', '3')).toBe(greedy);
});

test('the same seed writes the same text, another one another', async () => {
  const args = ['--prompt', 'The', '--tokens', '40', '--temperature', '1'];
  const [a, b, c] = [
    await text(...args, '--seed', '1'),
    await text(...args, '--seed', '1'),
    await text(...args, '--seed', '2'),
  ];
  expect(b).toBe(a);
  expect(c).not.toBe(a);
});

test('a prompt gives the same samples alone and beside others, of its length and of another', async () => {
  const args = ['--n', '2', '--tokens', '30'];
  const together = await samples('--prompt', 'The cat', '--prompt', 'A b', '--prompt', 'The dog', ...args);
  const alone = [
    ...(await samples('--prompt', 'The cat', ...args)),
    ...(await samples('--prompt', 'A b', ...args)),
    ...(await samples('--prompt', 'The dog', ...args)),
  ];
  expect(together).toEqual(alone);
  expect(together[0]!.text).not.toBe(together[1]!.text);
});

test('several samples follow each other under headings', async () => {
  const { stdout } = await generate('--prompt', 'The', '--n', '2', '--tokens', '5');
  expect(stdout).toMatch(/^--- 1 of 2 ---\nThe(.*\n)*--- 2 of 2 ---\nThe/);
});

test('--stop ends before the stop string', async () => {
  const args = ['--prompt', 'The', '--tokens', '40', '--temperature', '0'];
  const whole = await text(...args);
  const stop = whole.slice(10, 13);
  const [sample] = await samples(...args, '--stop', stop);
  expect(sample).toMatchObject({ finish: 'stop', text: whole.slice(0, whole.indexOf(stop)) });
  const { stdout } = await generate(...args, '--stop', stop); // no half of it is streamed
  expect(stdout).toBe(`The${sample!.text}\n`);
});

test('beyond the context the window slides', async () => {
  const [sample] = await samples('--prompt', 'The cat', '--tokens', '150', '--temperature', '0');
  expect(sample).toMatchObject({ tokens: 150, finish: 'length' });
});

test('a prompt from a file, one that fills the context, and none at all', async () => {
  const exact = 'x'.repeat(32); // n_ctx
  place.write('prompt.txt', exact);
  expect((await samples('--prompt-file', 'prompt.txt', '--tokens', '3'))[0]).toMatchObject({
    prompt: exact,
    tokens: 3,
  });
  expect((await samples('--tokens', '3'))[0]!.prompt).toBe('');
});

describe('refusals', () => {
  test('a prompt longer than the context', async () => {
    const result = complaint(await generate('--prompt', 'x'.repeat(33)));
    expect(result).toMatchObject({ code: 2, wellFormed: true });
    expect(result.text).toMatch(/33 tokens.*n_ctx.*32/);
    expect(result.text.startsWith('error:')).toBe(true); // and not half of the text before
  });

  test.each([
    [['--prompt-file', 'absent.txt'], 4, 'absent.txt'],
    [['--top-k', '-1'], 2, '--top-k'],
  ])('%j', async (args, code, named) => {
    expect(complaint(await generate(...args))).toMatchObject({
      code,
      wellFormed: true,
      text: expect.stringContaining(named),
    });
  });
});
