// The prompt loop of `gpt generate --interactive`, with a user and a model that are scripted.

import { expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { type PromptLoopOptions, promptLoop } from '../../src/commands/interactive.js';

/** What the screen shows after the lines were typed; a model that says "PROMPT!" in two pieces unless told otherwise. */
async function screen(typed: readonly string[], options: Partial<PromptLoopOptions> = {}): Promise<string> {
  let shown = '';
  const rest = [...typed];
  await promptLoop({
    lines: {
      ask: async (prompt) => {
        const line = rest.shift();
        shown += line === undefined ? prompt : `${prompt}${line}\n`; // the terminal echoes
        return line;
      },
      interruptible: (work) => work(new AbortController().signal),
      close: () => {},
    },
    out: (text) => {
      shown += text;
    },
    title: '',
    seed: 7,
    write: async (prompt, _seed, onText) => {
      onText(' goes');
      onText(' on');
      return { prompt, text: ' goes on', tokens: 2, finish: 'length' };
    },
    ...options,
  });
  return shown;
}

test('each line is continued, and leaving ends the line', async () => {
  expect(await screen(['The fox', ''])).toBe('\n> The fox\nThe fox goes on\n\n> \n goes on\n\n> \n');
});

test('with a title, how to leave stands first, and every text has its counts and its seed', async () => {
  const seeds: number[] = [];
  const shown = await screen(['a', 'a', '/quit', 'never'], {
    title: 'a model\n',
    write: async (prompt, seed) => {
      seeds.push(seed);
      return { prompt, text: '', tokens: 1234, finish: 'end-of-text' };
    },
  });
  expect(seeds).toEqual([7, 8]);
  expect(shown).toMatch(/^a model\n\n.*Ctrl-D or \/quit leaves/s);
  expect(shown).toMatch(/\[1,234 tokens, \S+ tokens\/s, seed 8, end-of-text\]/);
  expect(shown).not.toContain('never');
  expect(shown.split('\n').filter((line) => line.length > 79)).toEqual([]);
});

test('/help explains, and is no prompt', async () => {
  const shown = await screen(['/help'], { write: () => Promise.reject(new Error('was asked to write')) });
  expect(shown).toContain('Ctrl-C stops a text');
});

test('a refused prompt is an error on the screen, costs no seed, and the loop goes on', async () => {
  const shown = await screen(['too long', 'b'], {
    title: 'm',
    write: async (prompt, _seed, onText) => {
      if (prompt === 'too long') throw new ConfigError('the prompt has 99 tokens', 'shorten the prompt');
      onText('!');
      return { prompt, text: '!', tokens: 1, finish: 'length' };
    },
  });
  expect(shown).toContain('> too long\nerror: the prompt has 99 tokens\n  fix: shorten the prompt\n\n> b\nb!\n');
  expect(shown).toContain('seed 7, length');
});

test('a bug is no error on the screen', async () => {
  const bug = new TypeError('x is undefined');
  await expect(screen(['a'], { write: () => Promise.reject(bug) })).rejects.toBe(bug);
});

test('control characters of a model do not reach the terminal', async () => {
  const shown = await screen(['a'], {
    write: async (prompt, _seed, onText) => {
      onText('\x1b[2J');
      return { prompt, text: '', tokens: 1, finish: 'length' };
    },
  });
  expect(shown).not.toContain('\x1b');
  expect(shown).toContain('a\ufffd[2J');
});
