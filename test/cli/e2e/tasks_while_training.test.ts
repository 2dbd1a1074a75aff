// `eval.tasks`: tasks in context, measured while a model trains. They leave the training as it is.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complaint, TINY, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

const TASKS = ['--eval.tasks', '[mine]', '--eval.tasks_dir', '.', '--eval.shots', '[0, 1]', '--eval.every', '5'];

beforeAll(() => {
  const rows = ['cat', 'dog', 'owl', 'ant'].map((word) => JSON.stringify({ word, twice: `${word}${word}` }));
  place.write('rows.jsonl', `${rows.join('\n')}\n`);
  place.write(
    'mine.yaml',
    [
      'task: mine',
      'dataset_path: json',
      'dataset_kwargs: {data_files: {train: rows.jsonl, test: rows.jsonl}}',
      'output_type: multiple_choice',
      'training_split: train',
      'test_split: test',
      'doc_to_text: "{{word}}"',
      'doc_to_target: 0',
      'doc_to_choice: "{{[twice, word]}}"',
      'metric_list: [{metric: acc}]',
    ].join('\n'),
  );
});

describe('a run of 10 steps that measures every 5', () => {
  beforeAll(() => place.train('with', ...TASKS, '--train.max_steps', '10', '--eval.limit', '3'));

  test('has its numbers in the log and in the report', () => {
    const evals = place.events('with', 'eval');
    expect(evals.map(({ step, name, settings }) => [step, name, settings?.['shots']])).toEqual([
      [5, 'mine', '0'],
      [5, 'mine', '1'],
      [10, 'mine', '0'],
      [10, 'mine', '1'],
    ]);
    for (const { metrics, baseline } of evals) {
      expect(metrics['acc']?.n).toBe(3);
      expect([0, 1 / 3, 2 / 3, 1]).toContain(metrics['acc']?.value);
      expect(baseline).toEqual({ name: 'chance', metrics: { acc: 0.5 } });
    }
    const html = place.read('with', 'report.html').toString();
    expect(html).toMatch(/<h2[^>]*>Tasks in context<\/h2>/);
    expect(html).toMatch(/<title>1 shots: [\d.]+ at 5<\/title>/);
  });

  test('trains as one that measures nothing', async () => {
    await place.train('without', '--train.max_steps', '10');
    expect(place.losses('with')).toEqual(place.losses('without'));
  });
});

test('says each measurement where the output is no terminal', async () => {
  const { stdout } = await place.train('said', ...TASKS, '--train.max_steps', '5');
  expect(stdout).toMatch(/^step 5 {2}mine {2}0 shots {2}acc [01]\.\d{4} ± 0\.\d{4}$/m);
});

test.each([
  [['--eval.tasks', '[nothing_like_it]'], 'nothing_like_it'],
  [['--eval.tasks', '[mine]', '--eval.tasks_dir', 'nowhere'], 'nowhere'],
  [['--eval.every', '5'], 'eval.tasks'],
])('%j is refused before anything is trained', async (flags, named) => {
  const ended = await place.gpt(['pretrain', '--data', 'text.txt', '--out', 'bad', ...TINY, ...flags]);
  expect(complaint(ended)).toMatchObject({ code: 2, wellFormed: true, text: expect.stringContaining(named) });
  expect(place.names()).not.toContain('bad');
});
