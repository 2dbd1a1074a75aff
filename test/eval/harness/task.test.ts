// A task with its documents: what golden.test.ts does not cover, above all what is an error.

import { describe, expect, it } from 'vitest';
import { ConfigError, DataError } from '../../../src/base/errors.js';
import { shuffledAnswers } from '../../../src/eval/harness/prompt.js';
import { PythonRandom } from '../../../src/eval/harness/python_random.js';
import { type AskedDoc, HarnessTask } from '../../../src/eval/harness/task.js';
import { type RawConfig, taskConfig } from '../../../src/eval/harness/task_file.js';
import { FunctionName } from '../../../src/eval/harness/yaml11.js';
import type { Doc } from '../../../src/eval/request.js';

const base = {
  ...{ task: 'sums', output_type: 'multiple_choice', training_split: 'train', test_split: 'test' },
  ...{ doc_to_text: '{{a}} + {{b}} =', doc_to_target: 'sum', doc_to_choice: ['two', 'three', 'four'] },
  metric_list: [{ metric: 'acc' }],
};
const rows = (n: number): Doc[] => Array.from({ length: n }, (_, i) => ({ a: i, b: i % 2, sum: i % 3 }));
const data: Record<string, Doc[]> = { train: rows(8), test: rows(3) };

async function open(changes: RawConfig = {}, splits = data): Promise<HarnessTask> {
  const config = taskConfig({ ...base, ...changes }, 'sums.yaml');
  return HarnessTask.open(
    config,
    async (split) => splits[split] ?? Promise.reject(new DataError(`no ${split}`, 'get it')),
  );
}

async function error(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (caught: Error) => caught,
  );
}

const contexts = (docs: readonly AskedDoc[]): string[] =>
  docs.map(({ requests: [first] }) => (first?.kind === 'loglikelihood' ? first.context : ''));

describe('documents', () => {
  it('come with what is asked about them', async () => {
    const [first] = await (await open()).requests(0, { limit: 1 });
    expect(first).toEqual({
      ...{ id: 0, doc: data['test']![0], target: 0, choices: ['two', 'three', 'four'], rightInput: null },
      requests: [' two', ' three', ' four'].map((continuation) => ({
        kind: 'loglikelihood',
        context: '0 + 0 =',
        continuation,
      })),
    });
  });

  it('are read when they are needed, once', async () => {
    const asked: string[] = [];
    const task = await HarnessTask.open(taskConfig(base, 'f'), async (split) => {
      asked.push(split);
      return data[split]!;
    });
    await task.requests(0);
    expect(asked).toEqual(['test']);
    await task.requests(1);
    await task.requests(2);
    expect(asked).toEqual(['test', 'train']);
    expect(await task.pool()).toHaveLength(8);
  });

  it('need no training split without demonstrations', async () => {
    const task = await open({}, { test: data['test']! });
    await expect(task.requests(0)).resolves.toHaveLength(3);
    await expect(task.requests(1)).rejects.toThrow('no train');
  });

  it('draw the same demonstrations whatever the limit', async () => {
    const task = await open();
    const all = await task.requests(3, { seed: 7 });
    expect(await task.requests(3, { seed: 7, limit: 2 })).toEqual(all.slice(0, 2));
    expect(contexts(await task.requests(3, { seed: 8 }))).not.toEqual(contexts(all));
  });

  it('are put together from parts that can be had alone', async () => {
    const task = await open({ description: 'Add. ', fewshot_config: { sampler: 'first_n' } });
    const shots = (await task.pool()).slice(0, 2).map((doc) => task.shotContext(doc));
    expect(shots).toEqual(['0 + 0 = two\n\n', '1 + 1 = three\n\n']);
    expect(task.questions(task.docs[2]!)).toEqual(['Add. 2 + 0 =']);
    expect(contexts(await task.requests(2))[2]).toBe('Add. 0 + 0 = two\n\n1 + 1 = three\n\n2 + 0 =');
  });

  it('keep a fixed number of no demonstrations', async () => {
    expect((await open({ num_fewshot: 0 })).shots(5)).toBe(0);
    expect((await open({ num_fewshot: 2 })).shots()).toBe(2);
    expect((await open({ num_fewshot: 2 })).shots(5)).toBe(5);
    expect((await open()).shots()).toBe(0);
  });

  it('take a truth value for an index', async () => {
    const docs = [{ a: 1, b: 1, sum: true }];
    const task = await open({}, { train: docs, test: docs });
    expect((await task.requests(1))[0]).toMatchObject({ target: 1 });
    expect(task.shotContext(docs[0]!)).toBe('1 + 1 = three\n\n');
  });
});

describe('generation', () => {
  const generate = { output_type: 'generate_until', doc_to_choice: null, doc_to_target: '{{sum}}' };
  const settings = async (generation_kwargs: object | null) => {
    const task = await open({ ...generate, generation_kwargs });
    const { context: _, ...rest } = (await task.requests(0, { limit: 1 }))[0]!.requests[0] as { context: string };
    return rest;
  };

  it('ends where the task file says', async () => {
    const usual = { kind: 'generate', until: ['\n\n'], max_gen_toks: 256, temperature: 0 };
    expect(await settings(null)).toEqual(usual);
    expect(await settings({ until: 'x', max_new_tokens: 7 })).toEqual({ ...usual, until: ['x'], max_gen_toks: 7 });
    expect(await settings({ temperature: 0.5, do_sample: false })).toEqual(usual);
    expect(await settings({ temperature: 0.5 })).toEqual({ ...usual, temperature: 0.5 });
  });

  it('says which settings have no effect, and which are wrong', async () => {
    expect((await open({ ...generate, generation_kwargs: { top_p: 0.9 } })).warnings).toEqual([
      'task sums: generation_kwargs top_p have no effect',
    ]);
    expect((await open()).warnings).toEqual([]);
    expect(await error(open({ ...generate, generation_kwargs: { max_gen_toks: 0 } }))).toBeInstanceOf(ConfigError);
  });
});

describe('scoring', () => {
  it('has functions in place of their names', async () => {
    const cb = new FunctionName('/tasks/super_glue/cb', 'aggregate.cb_multi_fi');
    const { scoring } = await open({
      metric_list: [
        { metric: 'acc', ignore_case: true },
        { metric: 'f1', aggregation: cb },
      ],
    });
    expect(scoring).toMatchObject({ task: 'sums', output_type: 'multiple_choice', repeats: 1, multiple_target: false });
    expect(scoring.metric_list?.[0]).toEqual({ metric: 'acc', ignore_case: true });
    expect((scoring.metric_list?.[1]?.aggregation as (items: unknown[]) => number)([[0, 0]])).toBe(1 / 3);
    expect(scoring.process_results).toBeUndefined();
  });
});

describe('errors', () => {
  it('an empty split', async () => {
    const caught = await error(open({}, { test: [] }));
    expect(caught).toBeInstanceOf(DataError);
    expect(caught.message).toBe('task sums: the split test is empty');
    expect((await error((await open({}, { test: rows(1), train: [] })).requests(1))).message).toBe(
      'task sums: the split train is empty',
    );
  });

  it('data that is not there', async () => {
    expect((await error(open({}, {}))).message).toBe('no test');
    expect((await error(open({ test_split: null }))).message).toContain('neither test_split nor validation_split');
  });

  it('a template', async () => {
    const caught = (await error(open({ doc_to_text: '{{c}}' }))) as DataError;
    expect(caught).toBeInstanceOf(DataError);
    expect(caught.message).toBe(`task sums, doc_to_text, document 0: 'c' is undefined; the template is "{{c}}"`);
    expect(caught.fix).toBe("the document's columns are a, b, sum");
    const late = await open({ doc_to_text: '{{[a].index(0)}}.' });
    expect((await error(late.requests(0))).message).toContain('task sums, doc_to_text, document 1: 0 is not in list');
    const shot = await open({ fewshot_config: { doc_to_text: '{{[a].index(1)}}.', sampler: 'first_n' } });
    expect((await error(shot.requests(2))).message).toContain('doc_to_text, document 0 of the demonstrations: ');
  });

  it('fields of another kind', async () => {
    expect((await error(open({ doc_to_choice: [1, 2] }))).message).toContain(
      'choice 0 is a number (1): choices must be text, in quotes',
    );
    expect((await error(open({ doc_to_choice: '{{a}}' }))).message).toContain('a list is expected, not a number (0)');
    expect((await error(open({ doc_to_choice: '{{a}} and' }))).message).toContain('no Python literal');
    expect((await error(open({ doc_to_target: null }))).message).toContain('doc_to_target, document 0: it is not set');
    const numbers = await open({ output_type: 'loglikelihood', doc_to_choice: null });
    expect((await error(numbers.requests(0))).message).toContain('doc_to_target, document 0: text is expected, not 0');
    const unanswered = await open({ fewshot_config: { doc_to_choice: null } });
    expect((await error(unanswered.requests(1))).message).toContain('no answer in text');
    const none = await open({ doc_to_choice: null, doc_to_target: '{{sum}}' });
    expect((await error(none.requests(0))).message).toContain('doc_to_choice, document 0: it is not set');
    const seven = await open({ doc_to_text: '00{{a + 7}}' }, { test: rows(1) }).catch((caught: Error) => caught);
    expect((seven as Error).message).toContain('no Python literal: 007');
  });

  it('more demonstrations than there are documents', async () => {
    const caught = await error((await open()).requests(9));
    expect(caught).toBeInstanceOf(DataError);
    expect(caught.message).toBe('task sums: 9 demonstrations are asked for, and the 8 documents of the pool allow 8');
    const own = await open({ test_split: 'train', fewshot_split: 'train' });
    expect((await error(own.requests(8))).message).toContain('the 8 documents of the pool allow 7');
    const first = await open({ test_split: 'train', fewshot_config: { split: 'train', sampler: 'first_n' } });
    expect((await error(first.requests(8))).message).toContain('allow 7');
    const twice = await open({ test_split: 'train', fewshot_split: 'train' }, { train: [...rows(2), ...rows(2)] });
    expect((await error(twice.requests(3))).message).toContain('are the evaluated document');
  });

  it('what only Python has', async () => {
    const python = new FunctionName('/tasks/drop', 'utils.get');
    const file = '/tasks/drop/utils.py';
    expect((await error(open({ fewshot_config: { sampler: 'balanced' } }))).message).toContain(
      'there is no sampler balanced',
    );
    for (const changes of [
      { doc_to_text: python },
      { process_docs: python },
      { process_results: python },
      { metric_list: [{ metric: 'f1', aggregation: python }] },
      { metric_list: [{ metric: python }] },
      { filter_list: [{ name: 'x', filter: [{ function: python }] }] },
      { fewshot_config: { samples: python } },
    ]) {
      const caught = await error(open(changes, {})); // told before any data is read
      expect(caught).toBeInstanceOf(ConfigError);
      expect(caught.message).toContain(file);
      expect(caught.message).toContain('get');
    }
    expect(await error(open({ use_prompt: 'promptsource:x' }))).toBeInstanceOf(ConfigError);
    expect(await error(open({ doc_to_image: 'image' }))).toBeInstanceOf(ConfigError);
  });

  it('a document that a port cannot read', async () => {
    const process_docs = new FunctionName('/tasks/hellaswag', 'utils.process_docs');
    const caught = await error(open({ process_docs }, { test: [{ ctx_a: 1 }] }));
    expect(caught).toBeInstanceOf(DataError);
    expect(caught.message).toContain('task sums, utils.process_docs, document 0 of test: ');
  });
});

describe('shuffled demonstrations', () => {
  it('keep their questions and exchange their answers', async () => {
    const task = await open();
    const [right, shuffled] = [await task.requests(4), await task.requests(4, { demonstrations: 'shuffled' })];
    const parts = (context: string) =>
      context
        .split('\n\n')
        .slice(0, -1)
        .map((shot) => shot.split(' = '));
    contexts(right).forEach((context, i) => {
      const [before, after] = [parts(context), parts(contexts(shuffled)[i]!)];
      expect(after.map(([question]) => question)).toEqual(before.map(([question]) => question));
      expect(after.map(([, answer]) => answer).sort()).toEqual(before.map(([, answer]) => answer).sort());
    });
    expect(await task.requests(4, { demonstrations: 'shuffled' })).toEqual(shuffled);
  });

  it('of one demonstration take the answer of another document', async () => {
    const task = await open();
    const parts = (docs: readonly AskedDoc[]) => contexts(docs).map((context) => context.split(/(two|three|four)/));
    const [right, shuffled] = [await task.requests(1), await task.requests(1, { demonstrations: 'shuffled' })];
    for (const [i, [question, answer, rest]] of parts(right).entries()) {
      const [same, other, end] = parts(shuffled)[i]!;
      expect([same, end]).toEqual([question, rest]);
      expect(['two', 'three', 'four'].filter((one) => one !== answer)).toContain(other);
    }
  });

  it('leave no answer in its place where that is possible', () => {
    const random = new PythonRandom(1);
    for (const answers of [
      ['a', 'b'],
      ['a', 'a', 'b', 'b'],
      ['a', 'b', 'c', 'd', 'a'],
      ['x', 'y', 'y', 'x', 'z', 'z', 'z'],
    ]) {
      for (let i = 0; i < 20; i++) {
        const other = shuffledAnswers(answers, random);
        expect([...other].sort()).toEqual([...answers].sort());
        const most = Math.max(...answers.map((a) => answers.filter((b) => a === b).length));
        const same = other.filter((answer, k) => answer === answers[k]).length;
        expect(same).toBe(Math.max(0, 2 * most - answers.length));
      }
    }
    expect(shuffledAnswers(['only'], random)).toEqual(['only']);
    expect(shuffledAnswers([], random)).toEqual([]);
    const orders = new Set(Array.from({ length: 40 }, () => shuffledAnswers(['a', 'b', 'c', 'd'], random).join('')));
    expect(orders.size).toBeGreaterThan(3);
  });
});
