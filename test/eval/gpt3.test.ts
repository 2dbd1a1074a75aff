// GPT-3's protocol: its prompts word for word, its scores by answers that were made by hand.

import { describe, expect, test } from 'vitest';
import { gpt3Config, gpt3Metrics, ruleOf, unconditional } from '../../src/eval/gpt3.js';
import { HarnessTask } from '../../src/eval/harness/task.js';
import { taskConfig } from '../../src/eval/harness/task_file.js';
import type { AnsweredDoc, Doc, LoglikelihoodAnswer, Request } from '../../src/eval/request.js';
import { isScored, smallTask } from './small_task.js';

/** Context and continuation of the first document, with so many demonstrations. */
async function prompt(raw: Record<string, unknown>, shots: number, train: Doc[], test: Doc[]) {
  const config = taskConfig({ training_split: 'train', test_split: 'test', ...raw }, 'a.yaml');
  const task = await HarnessTask.open(gpt3Config(config, shots), async (split) => (split === 'train' ? train : test));
  const [doc] = await task.requests(shots);
  const [first] = doc!.requests;
  return {
    context: 'context' in first! ? first.context : '',
    continuation: isScored(first!) ? first.continuation : '',
  };
}

describe('prompts', () => {
  const LAMBADA = {
    ...{ task: 'lambada_openai', output_type: 'loglikelihood' },
    ...{ doc_to_text: "{{text.split(' ')[:-1]|join(' ')}}", doc_to_target: "{{' '+text.split(' ')[-1]}}" },
  };
  const shown = [{ text: 'Alice was friends with Bob. Alice went to visit her friend Bob' }];
  const asked = [{ text: 'George bought some baseball equipment, a ball, a glove, and a bat' }];

  // section 3.1.2 and appendix G
  test('LAMBADA is filled in', async () => {
    const question = 'George bought some baseball equipment, a ball, a glove, and a ____. ->';
    expect(await prompt(LAMBADA, 0, shown, asked)).toEqual({
      context: `Fill in blank:\n\n${question}`,
      continuation: ' bat',
    });
    const demonstration = 'Alice was friends with Bob. Alice went to visit her friend ____. -> Bob';
    expect(await prompt(LAMBADA, 1, shown, asked)).toEqual({
      context: `Fill in blank:\n\n${demonstration}\n\n${question}`,
      continuation: ' bat',
    });
  });

  // appendix G; the data's contexts begin with a line feed and its completions with a space
  test('scrambled words stand below each other under their instruction', async () => {
    const raw = {
      ...{ task: 'anagrams1', output_type: 'generate_until' },
      ...{ doc_to_text: '{{context}}', doc_to_target: '{{completion}}', generation_kwargs: { until: ['\n'] } },
    };
    const told = 'Please unscramble the letters into a word, and write that word:';
    const train = [{ context: '\nmoirrr =', completion: ' mirror' }];
    const test = [{ context: '\nskicts =', completion: ' sticks' }];
    expect((await prompt(raw, 0, train, test)).context).toBe(`${told}\nskicts =`);
    expect((await prompt(raw, 1, train, test)).context).toBe(`${told}\nmoirrr = mirror\nskicts =`);
  });

  const raw = (gpt3: unknown, description: string | null = null) => ({
    ...{ task: 'x', output_type: 'loglikelihood', doc_to_text: '{{q}}', doc_to_target: '{{a}}', target_delimiter: '' },
    ...{ metadata: { gpt3 }, description },
  });
  const one = [{ q: '1+1=', a: '2' }];
  const other = [{ q: '2+2=', a: '4' }];

  test("an instruction of the file's own stands where there are no demonstrations, before its description", async () => {
    const file = raw({ instruction: 'Add.\n' }, 'Sums:\n');
    expect((await prompt(file, 0, one, other)).context).toBe('Add.\nSums:\n2+2=');
    expect((await prompt(file, 1, one, other)).context).toBe('Sums:\n1+1=2\n\n2+2=');
  });

  test('or always, where it says so', async () => {
    const file = raw({ instruction: 'Add.\n', always: true });
    expect((await prompt(file, 0, one, other)).context).toBe('Add.\n2+2=');
    expect((await prompt(file, 1, one, other)).context).toBe('Add.\n1+1=2\n\n2+2=');
  });

  test('other tasks are asked as the harness asks', async () => {
    const { task } = await smallTask();
    expect(gpt3Config(task.config, 1)).toEqual({ ...task.config, description: '' });
  });

  test.each([
    [{ instruction: 3 }, 'instruction'],
    [{ alwys: true }, 'alwys'],
    ['Add.', 'expected object'],
  ])('a wrong rule %j is told', (gpt3, named) => {
    expect(() => ruleOf({ task: 'x', metadata: { gpt3 } })).toThrow(/^task x: metadata\.gpt3: /);
    expect(() => ruleOf({ task: 'x', metadata: { gpt3 } })).toThrow(named);
  });

  test("the file's rule is over the paper's, key by key", () => {
    const rule = ruleOf({ task: 'lambada_openai', metadata: { gpt3: { instruction: 'Guess:\n' } } });
    expect(rule).toMatchObject({ instruction: 'Guess:\n', always: true, prompt: { target_delimiter: '' } });
  });
});

describe('scores', () => {
  const answer = (logprob: number, tokens: number): LoglikelihoodAnswer => ({
    logprob,
    tokens,
    greedy: false,
    truncated: 0,
  });
  const doc = (id: number, target: number, answers: LoglikelihoodAnswer[]): AnsweredDoc => ({
    ...{ id, doc: {}, target, choices: ['a', 'b'], rightInput: null, answers },
    requests: ['a', 'b'].map(
      (choice): Request => ({ kind: 'loglikelihood', context: 'q', continuation: ` ${choice}` }),
    ),
  });
  // ln p:          -4 < -3      per token: -1 > -1.5      without the question: 4 > -2.5
  const long = [answer(-4, 4), answer(-3, 2)];
  const alone = [answer(-8, 4), answer(-0.5, 2)];

  test('per token: the longer choice may win', () => {
    const docs = [doc(0, 0, long), doc(1, 1, long), doc(2, 0, long), doc(3, 1, [answer(-9, 1), answer(-2, 1)])];
    const [metric, ...others] = gpt3Metrics(docs, []);
    expect(others).toEqual([]);
    expect(metric).toMatchObject({ metric: 'acc_per_token', filter: 'none', items: [1, 0, 1, 1], value: 0.75, n: 4 });
    // s / sqrt(n) with s^2 = (3 * 0.25^2 + 0.75^2) / 3
    expect(metric!.stderr).toBeCloseTo(Math.sqrt((3 * 0.0625 + 0.5625) / 3 / 4), 14);
  });

  test('relative to what a choice is worth without the question: the headline then', () => {
    const short = [answer(-2, 1), answer(-1, 1)]; // of the same two, minus the worth alone: 6 > -0.5
    const docs = [doc(0, 0, short), doc(1, 1, long)];
    const metrics = gpt3Metrics(docs, [alone, alone]);
    expect(metrics.map(({ metric, items }) => [metric, items])).toEqual([
      ['acc_unconditional', [1, 0]],
      ['acc_per_token', [0, 0]],
    ]);
  });

  test('a single document has no error', () => {
    expect(gpt3Metrics([doc(0, 0, long)], [])[0]!.stderr).toBeNull();
  });

  test('requests of acc_mutual_info are no choices', () => {
    const docs = [doc(0, 0, [...long, answer(-0.1, 4), answer(-0.1, 2)])];
    expect(gpt3Metrics(docs, [])[0]!.value).toBe(1);
  });

  test('a gold choice that is not there is wrong, whatever is likely', () => {
    expect(gpt3Metrics([doc(0, 7, long), doc(1, 7, [answer(Number.NaN, 1), answer(-1, 1)])], [])[0]!.value).toBe(0);
  });
});

describe('what is asked beside', () => {
  test('each choice after the answer context', async () => {
    const { task } = await smallTask({ task: 'arc_easy' });
    const docs = await task.requests(1, { limit: 1 });
    const rule = ruleOf(task.config);
    expect(unconditional(rule, docs)).toEqual([
      [' left', ' right'].map((continuation) => ({ kind: 'loglikelihood', context: 'Answer:', continuation })),
    ]);
  });

  test('nothing of a task without one', async () => {
    const { task } = await smallTask();
    expect(unconditional(ruleOf(task.config), await task.requests(0))).toEqual([]);
  });
});
