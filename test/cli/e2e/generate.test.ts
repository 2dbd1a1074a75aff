// `gpt generate` from a trained model.

import { spawnSync } from 'node:child_process';
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

test.skipIf(BACKEND !== 'native')(
  '--precision bf16 on the native backend (needs the addon); elsewhere exit 3',
  async () => {
    expect(await text('--prompt', 'The', '--tokens', '40', '--temperature', '0', '--precision', 'bf16')).toHaveLength(
      40,
    );
    const args = ['generate', 'run', '--backend', 'wasm', '--precision', 'bf16'];
    expect(complaint(await place.gpt(args))).toMatchObject({ code: 3, wellFormed: true });
  },
);

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

describe('standard input', () => {
  const piped = async (input: string | Uint8Array, ...more: string[]) => {
    const args = ['generate', 'run', '--backend', BACKEND, '--json', '--tokens', '3', ...more];
    const { code, stdout, stderr } = await place.gpt(args, {}, { input });
    expect(code, stderr).toBe(0);
    return (JSON.parse(stdout) as { samples: Generated[] }).samples.map(({ prompt }) => prompt);
  };

  test('is the prompt when it is piped in and none is given, without its last line end', async () => {
    expect(await piped('The owl\nmet\n')).toEqual(['The owl\nmet']);
    expect(await piped('')).toEqual(['']);
    expect(await piped('The owl', '--prompt', 'A fox')).toEqual(['A fox']);
    place.write('prompt.txt', 'A dog\n');
    expect(await piped('The owl', '--prompt-file', 'prompt.txt')).toEqual(['A dog\n']);
  });

  test('is what - stands for', async () => {
    expect(await piped('The owl\n', '--prompt', 'A', '--prompt', '-')).toEqual(['A', 'The owl']);
    expect(await piped('The owl\n', '--prompt-file', '-')).toEqual(['The owl']);
    expect(await samples('--prompt', '-', '--tokens', '3')).toMatchObject([{ prompt: '' }]); // /dev/null
  });

  test('that is no text is refused', async () => {
    const args = ['generate', 'run', '--backend', BACKEND];
    const result = complaint(await place.gpt(args, {}, { input: Uint8Array.of(0x89, 0x50) }));
    expect(result).toMatchObject({ code: 4, wellFormed: true, text: expect.stringContaining('not valid UTF-8') });
  });
});

// util-linux's script(1) gives a command a terminal of its own and passes its input on, control keys included.
const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

describe('--interactive', () => {
  test.skipIf(!hasTerminal)('goes on from typed lines; Ctrl-C stops a text, Ctrl-D leaves with 0', async () => {
    const flags = ['--interactive', '--temperature', '0', '--tokens', '20', '--color', 'never'];
    const asksAgain = '\r\n\r\n\x1b[1G\x1b[0J> '; // before it, what is typed meets a terminal in another mode
    const greedy = await text('--prompt', 'The owl', '--temperature', '0', '--tokens', '20');
    const terminal = place.startOnTerminal(['generate', 'run', '--backend', BACKEND, ...flags]);
    await terminal.says('> ');
    terminal.process.stdin!.write('The owl\r');
    await terminal.says(`The owl${greedy}`.replaceAll('\n', '\r\n'));
    await terminal.says(`seed 1337, length]${asksAgain}`);
    terminal.process.stdin!.write(`${'x'.repeat(33)}\r`); // n_ctx is 32
    await terminal.says(`fix: shorten the prompt${asksAgain}`);
    terminal.process.stdin!.write('\x04');
    expect((await terminal.ended).code).toBe(0);

    const long = place.startOnTerminal([
      'generate',
      'run',
      '--backend',
      BACKEND,
      '--interactive',
      '--tokens',
      '1000000',
    ]);
    await long.says('> ');
    long.process.stdin!.write('The\r');
    await long.says('The ');
    long.process.stdin!.write('\x03');
    await long.says(`seed 1337, interrupted]${asksAgain}`);
    long.process.stdin!.write('\x03');
    expect((await long.ended).code).toBe(0);
  });

  test('without a terminal is a usage error', async () => {
    const result = complaint(await place.gpt(['generate', 'run', '--interactive'], {}, { input: 'The owl\n' }));
    expect(result).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining('needs a terminal') });
  });
});

describe('refusals', () => {
  test('a prompt longer than the context', async () => {
    const result = complaint(await generate('--prompt', 'x'.repeat(33)));
    expect(result).toMatchObject({ code: 2, wellFormed: true });
    expect(result.text).toMatch(/33 tokens.*n_ctx.*32/);
    expect(result.text.startsWith('error:')).toBe(true); // and not half of the text before
  });

  test.each([
    [['--prompt-file', 'absent.txt'], 4, 'absent.txt: no such file or folder'],
    [['--top-k', '-1'], 2, '--top-k'],
  ])('%j', async (args, code, named) => {
    expect(complaint(await generate(...args))).toMatchObject({
      code,
      wellFormed: true,
      text: expect.stringContaining(named),
    });
  });
});
