// A task's results from a model that answers as the test says: what is asked, how often, and what becomes of it.

import { describe, expect, test } from 'vitest';
import { groupRun, type InContextOptions, measureTask, overlapsOf, versionOf } from '../../src/eval/in_context.js';
import type { Request } from '../../src/eval/request.js';
import type { TaskGroup } from '../../src/eval/results/groups.js';
import { fakeAnswerer, isScored, SPLITS, smallTask } from './small_task.js';

const OPTIONS: InContextOptions = {
  ...{ protocol: 'harness', demonstrations: 'right', limit: undefined, seed: 1234, bootstrap: undefined },
};
/** Always says left. */
const left = (request: Request) => ({ logprob: isScored(request) && request.continuation === ' left' ? -1 : -2 });
const contextsOf = (asked: readonly Request[]) => asked.flatMap((r) => (isScored(r) ? [r.context] : []));

const documents = SPLITS['test']!;
const leftOnes = documents.filter(({ larger }) => larger === 0).length;

describe('the record of a task', () => {
  test('says what was asked, and what that came to', async () => {
    const { run, docs, notes } = await measureTask(fakeAnswerer(left), await smallTask(), 1, OPTIONS);
    expect(run).toMatchObject({
      ...{ model: 0, task: 'larger', alias: 'larger', members: null, version: 'Yaml', protocol: 'harness' },
      ...{ asked: '1', shots: 1, docs: 4, docs_of: 4, requests: 8, truncated: 0, chance: 0.5, contamination: null },
      majority: Math.max(leftOnes, 4 - leftOnes) / 4,
    });
    expect(run.metrics.map(({ metric, value }) => [metric, value])).toEqual([
      ['acc', leftOnes / 4],
      ['acc_norm', leftOnes / 4], // -1 / 4 > -2 / 5
    ]);
    expect(docs.map(({ answers }) => answers.length)).toEqual([2, 2, 2, 2]);
    expect(notes).toEqual([]);
  });

  test('--limit takes the first documents, whose demonstrations stay the same', async () => {
    const [all, some]: Request[][] = [[], []];
    await measureTask(fakeAnswerer(left, { asked: all! }), await smallTask(), 2, OPTIONS);
    const { run } = await measureTask(fakeAnswerer(left, { asked: some! }), await smallTask(), 2, {
      ...OPTIONS,
      limit: 3,
    });
    expect(run).toMatchObject({ docs: 3, docs_of: 4, requests: 6 });
    expect(some).toEqual(all!.slice(0, 6));
  });

  test('the seed draws other demonstrations', async () => {
    const [one, two]: Request[][] = [[], []];
    await measureTask(fakeAnswerer(left, { asked: one! }), await smallTask(), 2, OPTIONS);
    await measureTask(fakeAnswerer(left, { asked: two! }), await smallTask(), 2, { ...OPTIONS, seed: 1 });
    expect(contextsOf(one!)).not.toEqual(contextsOf(two!));
  });

  test('shuffled: the same questions, with the answers of others', async () => {
    const train = SPLITS['train']!.slice(0, 2).map(({ a, b }, i) => ({ a, b, larger: i }));
    const splits = { ...SPLITS, train };
    const [right, shuffled]: Request[][] = [[], []];
    await measureTask(fakeAnswerer(left, { asked: right! }), await smallTask({}, splits), 2, OPTIONS);
    const options = { ...OPTIONS, demonstrations: 'shuffled' } as const;
    await measureTask(fakeAnswerer(left, { asked: shuffled! }), await smallTask({}, splits), 2, options);
    const exchanged = (context: string) =>
      context.replace(/left|right/g, (answer) => (answer === 'left' ? 'right' : 'left'));
    expect(contextsOf(shuffled!)).toEqual(contextsOf(right!).map(exchanged));
  });

  test('examples: prompt, right answer, and what the model says', async () => {
    const { run } = await measureTask(fakeAnswerer(left), await smallTask(), 0, OPTIONS);
    expect(run.examples).toEqual(
      documents.slice(0, 3).map(({ a, b, larger }) => ({
        ...{ prompt: `${a} or ${b}?`, answer: 'left' },
        ...{ target: larger === 0 ? 'left' : 'right', right: larger === 0 },
      })),
    );
  });

  test('an aborted evaluation throws', async () => {
    const aborted = AbortSignal.abort();
    const answerer = {
      ...fakeAnswerer(left),
      answer: async (_: readonly Request[], options?: { signal?: AbortSignal | undefined }) => {
        options?.signal?.throwIfAborted();
        return [];
      },
    };
    await expect(measureTask(answerer, await smallTask(), 0, { ...OPTIONS, signal: aborted })).rejects.toThrow(/abort/);
  });
});

describe('the number of demonstrations', () => {
  const shots = async (
    wanted: number | 'few' | 'auto',
    { n_ctx = 1000, changes = {}, splits = SPLITS }: { n_ctx?: number; changes?: object; splits?: typeof SPLITS } = {},
  ) => {
    const asked: Request[] = [];
    const answerer = fakeAnswerer(left, { n_ctx, asked });
    const { run, notes } = await measureTask(answerer, await smallTask({ ...changes }, splits), wanted, OPTIONS);
    const inPrompt = (contextsOf(asked)[0] ?? '').split('\n\n').length - 1;
    return { asked: run.asked, shots: run.shots, inPrompt, truncated: run.truncated, notes };
  };

  test.each([0, 1, 5])('%i as asked', async (n) => {
    expect(await shots(n)).toEqual({ asked: String(n), shots: n, inPrompt: n, truncated: 0, notes: [] });
  });

  test('as many as fit, which is said', async () => {
    const note = 'larger: 5 shots do not fit into n_ctx 50; asked with 2';
    expect(await shots(5, { n_ctx: 50 })).toEqual({ asked: '5', shots: 2, inPrompt: 2, truncated: 0, notes: [note] });
  });

  test('few: as many as fit', async () => {
    expect(await shots('few', { n_ctx: 50 })).toEqual({ asked: 'few', shots: 2, inPrompt: 2, truncated: 0, notes: [] });
  });

  test('few: at most one less than there are, for a document may be one of them', async () => {
    expect(await shots('few')).toMatchObject({ shots: 7, inPrompt: 7 });
  });

  test('few: at most 100', async () => {
    const train = Array.from({ length: 300 }, (_, a) => ({ a, b: a, larger: 0 }));
    expect(await shots('few', { n_ctx: 1e5, splits: { ...SPLITS, train } })).toMatchObject({
      shots: 100,
      inPrompt: 100,
    });
  });

  test('auto: what the file says, else none', async () => {
    expect(await shots('auto', { changes: { num_fewshot: 3 } })).toMatchObject({ asked: '3', shots: 3, inPrompt: 3 });
    expect(await shots('auto')).toMatchObject({ asked: '0', shots: 0 });
  });

  test('a file that says 0 means it', async () => {
    expect(await shots(4, { changes: { num_fewshot: 0 } })).toMatchObject({
      asked: '4',
      shots: 0,
      inPrompt: 0,
      notes: [],
    });
    expect(await shots('few', { changes: { num_fewshot: 0 } })).toMatchObject({ asked: 'few', shots: 0, inPrompt: 0 });
  });

  test('more than there are is an error', async () => {
    await expect(shots(9)).rejects.toThrow('task larger: 9 demonstrations are asked for');
  });

  test('a prompt that does not fit at all is asked, and counted', async () => {
    expect(await shots(1, { n_ctx: 4 })).toMatchObject({ shots: 0, truncated: 8 });
  });

  test('a text has no prompt', async () => {
    const changes = { output_type: 'loglikelihood_rolling', doc_to_choice: null, doc_to_target: '{{a}}' };
    const metric_list = [{ metric: 'byte_perplexity' }];
    const asked: Request[] = [];
    const answerer = fakeAnswerer(() => ({ logprob: -2 }), { asked });
    const { run } = await measureTask(answerer, await smallTask({ ...changes, metric_list }), 3, OPTIONS);
    expect(run).toMatchObject({ asked: '3', shots: 0, requests: 4, chance: null, majority: null, examples: [] });
    expect(asked).toEqual(documents.map(({ a }) => ({ kind: 'rolling', text: String(a) })));
    expect(run.metrics[0]!.value).toBeCloseTo(Math.exp(2), 12); // each text is one byte
  });
});

describe("GPT-3's protocol", () => {
  const options = { ...OPTIONS, protocol: 'gpt3' } as const;

  test('asks the choices alone too, and judges by both first', async () => {
    const asked: Request[] = [];
    // left is likelier, but by less than it is without the question
    const answerer = fakeAnswerer(
      (request) => {
        if (!isScored(request)) return {};
        const isLeft = request.continuation === ' left';
        return { logprob: request.context === 'Which:' ? (isLeft ? -1 : -6) : isLeft ? -1 : -2 };
      },
      { asked },
    );
    const task = await smallTask({ metadata: { version: 2, gpt3: { answer_context: 'Which:' } } });
    const { run, scored } = await measureTask(answerer, task, 0, options);
    expect(run).toMatchObject({ requests: 16, version: '2', protocol: 'gpt3', chance: 0.5 });
    expect(asked.slice(2, 4)).toEqual(
      [' left', ' right'].map((continuation) => ({ kind: 'loglikelihood', context: 'Which:', continuation })),
    );
    expect(run.metrics.map(({ metric, value }) => [metric, value])).toEqual([
      ['acc_unconditional', (4 - leftOnes) / 4],
      ['acc_per_token', leftOnes / 4], // -1 / 5 > -2 / 6
      ['acc', leftOnes / 4],
      ['acc_norm', leftOnes / 4],
    ]);
    expect(scored.metrics.map(({ metric }) => metric)).toEqual(run.metrics.map(({ metric }) => metric));
  });

  test('an instruction is there without demonstrations only, also where these did not fit', async () => {
    const first = async (wanted: number, n_ctx: number) => {
      const asked: Request[] = [];
      const task = await smallTask({ metadata: { gpt3: { instruction: 'Choose. ' } } });
      await measureTask(fakeAnswerer(left, { n_ctx, asked }), task, wanted, options);
      return contextsOf(asked)[0]!;
    };
    const { a, b } = documents[0]!;
    expect(await first(0, 1000)).toBe(`Choose. ${a} or ${b}?`);
    expect(await first(1, 1000)).toMatch(new RegExp(`^\\d or \\d\\? (left|right)\n\n${a} or ${b}\\?$`));
    expect(await first(1, 22)).toBe(`Choose. ${a} or ${b}?`);
  });

  test('a text that is generated is judged as the harness judges it', async () => {
    const changes = { output_type: 'generate_until', doc_to_choice: null, doc_to_target: '{{a}}' };
    const task = await smallTask({ ...changes, metric_list: [{ metric: 'exact_match' }] });
    const { run } = await measureTask(
      fakeAnswerer(() => ({ text: String(documents[0]!['a']) })),
      task,
      0,
      options,
    );
    const right = documents.filter(({ a }) => a === documents[0]!['a']).length;
    expect(run.metrics.map(({ metric, value }) => [metric, value])).toEqual([['exact_match', right / 4]]);
    expect(run.examples[0]).toMatchObject({ answer: String(documents[0]!['a']), right: true });
  });
});

describe('contamination', () => {
  const words = (n: number, word: string) => Array.from({ length: n }, (_, i) => `${word}${i}`).join(' ');
  const test_ = [words(14, 'a'), words(14, 'b'), words(14, 'c')].map((text, i) => ({ a: text, b: 'x', larger: i % 2 }));
  const description = 'Say which of the two things that follow here is the larger one of them.\n';

  test('documents that stand in the corpus are told apart, and the headline is given for both', async () => {
    const open = await smallTask({ description }, { ...SPLITS, test: test_ });
    const [overlap] = await overlapsOf([open.task], corpus([`so ${test_[1]!.a} it is`]));
    expect(overlap!.dirty).toEqual([false, true, false]);
    const { run } = await measureTask(fakeAnswerer(left), { ...open, overlap }, 0, OPTIONS);
    expect(run.contamination).toEqual({ n: overlap!.n, dirty: 1, clean_value: 1, dirty_value: 0 }); // left is right of 0 and 2
  });

  test('what stands before every document makes none of them dirty', async () => {
    const { task } = await smallTask({ description }, { ...SPLITS, test: test_ });
    const [overlap] = await overlapsOf([task], corpus([description]));
    expect(overlap!.dirty).toEqual([false, false, false]);
  });

  test("GPT-3's headline is its own", async () => {
    const open = await smallTask({}, { ...SPLITS, test: test_ });
    // right has more tokens: likelier per token, less likely as a whole
    const answerer = fakeAnswerer((r) => ({ logprob: isScored(r) && r.continuation === ' left' ? -2.4 : -2.5 }));
    const overlap = { n: 13, dirty: [true, false, false] };
    const { run } = await measureTask(answerer, { ...open, overlap }, 0, { ...OPTIONS, protocol: 'gpt3' });
    expect(run.metrics[0]).toMatchObject({ metric: 'acc_per_token', value: 1 / 3 });
    expect(run.contamination).toMatchObject({ dirty_value: 0, clean_value: 0.5 });
  });

  async function* corpus(texts: readonly string[]) {
    yield* texts;
  }
});

describe('groups', () => {
  const group = (name: string, children: string[], weight_by_size: boolean | null): TaskGroup => ({
    ...{ name, alias: null, children, version: null },
    aggregate_metric_list: weight_by_size === null ? null : [{ metric: 'acc', filter_list: null, weight_by_size }],
  });
  /** a: 4 documents, b: 2. */
  const measured = async () => [
    await measureTask(fakeAnswerer(left), await smallTask({ task: 'a' }), 1, OPTIONS),
    await measureTask(fakeAnswerer(left), await smallTask({ task: 'b' }), 3, { ...OPTIONS, limit: 2 }),
  ];

  test.each([
    [true, (a: number, b: number) => (4 * a + 2 * b) / 6],
    [false, (a: number, b: number) => (a + b) / 2],
  ])('weighted by size: %s', async (weight_by_size, mean) => {
    const tasks = await measured();
    const [a, b] = tasks.map(({ run }) => run);
    const g = group('g', ['a', 'b'], weight_by_size);
    const [run] = groupRun(g, [g], tasks);
    expect(run).toMatchObject({
      ...{ task: 'g', alias: 'g', members: ['a', 'b'], version: 'N/A', protocol: 'harness' },
      ...{ shots: 2, docs: 6, docs_of: 8, requests: 12, truncated: 0 },
    });
    expect(run!.metrics.map(({ metric }) => metric)).toEqual(['acc']);
    expect(run!.metrics[0]!.value).toBeCloseTo(mean(a!.metrics[0]!.value, b!.metrics[0]!.value), 14);
    expect(run!.chance).toBe(0.5);
    expect(run!.majority).toBeCloseTo(mean(a!.majority!, b!.majority!), 14);
  });

  test('one that aggregates nothing has no result, and its tasks are members of the one above', async () => {
    const inner = group('inner', ['a'], null);
    const outer = group('outer', ['inner', 'b'], false);
    const all = [outer, inner];
    const tasks = await measured();
    expect(groupRun(inner, all, tasks)).toEqual([]);
    expect(groupRun(outer, all, tasks)[0]!.members).toEqual(['a', 'b']);
  });

  test('the mean of a metric that is not the headline has no baselines', async () => {
    const tasks = await measured();
    const g = {
      ...group('g', ['a', 'b'], true),
      aggregate_metric_list: [{ metric: 'acc_norm', filter_list: null, weight_by_size: true }],
    };
    expect(groupRun(g, [g], tasks)[0]).toMatchObject({ chance: null, majority: null });
  });
});

test('versionOf: a number, a text, else Yaml', async () => {
  const of = async (metadata: unknown) => versionOf((await smallTask({ metadata })).task.config);
  expect([
    await of({ version: 2 }),
    await of({ version: '1.0-a' }),
    await of({ version: [1] }),
    await of(null),
  ]).toEqual([...[2, '1.0-a', 'Yaml', 'Yaml']]);
});
