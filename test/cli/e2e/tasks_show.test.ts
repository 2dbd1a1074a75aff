// `gpt tasks list` and `gpt tasks show`: names, and prompts as the model will see them, to the letter.

import { afterAll, describe, expect, test } from 'vitest';
import { complaint, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

async function tasks(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.gpt(['tasks', ...args]);
  expect(code, stderr).toBe(0);
  return stdout;
}

interface Shown {
  readonly name: string;
  readonly settings: readonly (readonly [string, string])[];
  readonly prompts: readonly {
    readonly context: string;
    readonly continuations: readonly { readonly text: string; readonly right: boolean }[];
    readonly expected: string | null;
  }[];
}

const show = async (...args: string[]): Promise<Shown> =>
  (JSON.parse(await tasks('show', ...args, '--json')) as [Shown])[0];

describe('list', () => {
  test('names, kinds and files', async () => {
    const lines = (await tasks('list')).trim().split('\n');
    expect(lines.find((line) => line.startsWith('tfgpt_cloze '))).toMatch(/^tfgpt_cloze +task +.*tfgpt_cloze\.yaml$/);
    expect(lines.find((line) => line.startsWith('arithmetic '))).toMatch(/^arithmetic +group +.*arithmetic\.yaml$/);
    expect(lines.find((line) => line.startsWith('tfgpt '))).toMatch(/^tfgpt +tag /);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('only some, as JSON', async () => {
    const entries = JSON.parse(await tasks('list', 'tfgpt_arithmetic_2d?', '--json')) as {
      name: string;
      kind: string;
    }[];
    expect(entries.map(({ name, kind }) => [name, kind])).toEqual(
      ['2da', '2dm', '2ds'].map((kind) => [`tfgpt_arithmetic_${kind}`, 'task']),
    );
  });

  test("a folder's own go before the built-in ones", async () => {
    place.write('tfgpt_cloze.yaml', 'task: tfgpt_cloze\noutput_type: loglikelihood\n');
    const [entry] = JSON.parse(await tasks('list', 'tfgpt_cloze', '--tasks-dir', '.', '--json')) as { file: string }[];
    expect(entry!.file).toBe(place.path('tfgpt_cloze.yaml'));
  });

  test('no such name', async () => {
    expect(complaint(await place.gpt(['tasks', 'list', 'nope*']))).toMatchObject({ code: 2, wellFormed: true });
  });
});

describe('show', () => {
  test('a multiple choice with two demonstrations', async () => {
    const { settings, prompts } = await show('tfgpt_entailment', '--shots', '2');
    expect(Object.fromEntries(settings)).toMatchObject({ shots: '2', documents: '99 of validation', metrics: 'acc' });
    const [{ context, continuations }] = prompts as [Shown['prompts'][number]];
    const turn = /[^\n]+\nQuestion: [^\n]+ True, False or Neither\?\nAnswer:/.source;
    expect(context).toMatch(new RegExp(`^(${turn} (True|False|Neither)\n\n){2}${turn}$`));
    expect(continuations.map(({ text }) => text)).toEqual([' True', ' False', ' Neither']);
    expect(continuations.filter(({ right }) => right)).toHaveLength(1);
  });

  test('as text: the prompt between two rules, the right answer marked', async () => {
    const shown = await show('tfgpt_cloze', '--shots', '1');
    const text = await tasks('show', 'tfgpt_cloze', '--shots', '1');
    const [{ context, continuations }] = shown.prompts as [Shown['prompts'][number]];
    expect(text).toContain(`\n--- document 0 ${'-'.repeat(40)}\n${context}\n${'-'.repeat(55)}\n`);
    expect(text).toContain(`-> ${JSON.stringify(continuations[0]!.text)}\n`);
  });

  test('text that is generated: what it should be', async () => {
    const { prompts } = await show('tfgpt_reversed_words', '--docs', '3');
    for (const { context, expected, continuations } of prompts) {
      const scrambled = /^Please unscramble the letters into a word, and write that word:\n(\S+) =$/.exec(context)![1]!;
      expect(expected).toBe(` ${[...scrambled].reverse().join('')}`);
      expect(continuations).toEqual([]);
    }
    expect(prompts).toHaveLength(3);
  });

  test("GPT-3's protocol: LAMBADA is filled in, and an instruction is not told twice", async () => {
    const cloze = await show('tfgpt_cloze', '--protocol', 'gpt3', '--shots', '1');
    const [asHarness] = (await show('tfgpt_cloze', '--shots', '1')).prompts;
    const [{ context, continuations }] = cloze.prompts as [Shown['prompts'][number]];
    const lines = context.split('\n\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe('Fill in blank:');
    expect(lines[1]).toMatch(/ ____\. -> \S+$/);
    expect(lines[2]).toMatch(/ ____\. ->$/);
    expect(continuations).toEqual(asHarness!.continuations);
    const words = await show('tfgpt_reversed_words', '--protocol', 'gpt3');
    expect(words.prompts[0]!.context.split('Please unscramble')).toHaveLength(2);
  });

  test('other demonstrations by another seed', async () => {
    const [a, b, c] = await Promise.all(
      ['1234', '1234', '7'].map((seed) => show('tfgpt_cloze', '--shots', '2', '--seed', seed)),
    );
    expect(a).toEqual(b);
    expect(a!.prompts).not.toEqual(c!.prompts);
  });

  test('without a name', async () => {
    const ended = complaint(await place.gpt(['tasks', 'show']));
    expect(ended).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining('which task?') });
  });
});
