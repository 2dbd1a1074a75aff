// `gpt eval --tasks` and `gpt tasks show` on what cannot be: exit code, what is wrong and where, what to do, and nothing written.

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BACKEND, complaint, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

const LEGS = [
  'task: legs',
  'dataset_path: json',
  'dataset_kwargs: {data_files: {train: rows.jsonl, test: rows.jsonl}}',
  'output_type: multiple_choice',
  'training_split: train',
  'test_split: test',
  'doc_to_text: "The legs of a {{animal}}:"',
  'doc_to_target: label',
  "doc_to_choice: ['two', 'four', 'six']",
  'metric_list: [{metric: acc}]',
];

/** Writes the task with other lines: they replace those with the same key, or are added. */
function task(name: string, ...lines: string[]): string {
  const key = (line: string) => line.split(':')[0];
  const kept = LEGS.map((line) => lines.find((other) => key(other) === key(line)) ?? line);
  const added = lines.filter((line) => !kept.includes(line));
  return place.write(name, `${[...kept, ...added].join('\n')}\n`);
}

beforeAll(async () => {
  await place.train('run', '--train.max_steps', '4', '--model.n_ctx', '64', '--train.batch_tokens', '128');
  place.write(
    'rows.jsonl',
    ['cat', 'owl', 'bee'].map((animal, label) => `${JSON.stringify({ animal, label })}\n`).join(''),
  );
  task('legs.yaml');
});

const evaluate = (...args: string[]) => place.gpt(['eval', 'run', ...args, '--backend', BACKEND]);

/** Refused with this code and these words, and no folder of results. */
async function refused(args: readonly string[], code: number, ...named: (string | RegExp)[]): Promise<void> {
  const ended = await evaluate(...args);
  const { text, ...how } = complaint(ended);
  expect(how, text).toEqual({ code, wellFormed: true });
  for (const part of named) expect(text).toMatch(part);
  expect(ended.stdout).toBe('');
  if (place.names('run').includes('eval')) expect(place.names('run', 'eval')).toEqual([]);
}

describe('which task', () => {
  test('an unknown one: the nearest names', () =>
    refused(['--tasks', 'tfgpt_entailmnt'], 2, 'named tfgpt_entailmnt', 'did you mean tfgpt_entailment'));

  test('a pattern that matches none', () => refused(['--tasks', 'zzz*'], 2, 'named zzz', 'gpt tasks list'));

  test('a folder or a file that is not there', async () => {
    await refused(['--tasks', 'legs', '--tasks-dir', 'nowhere'], 2, 'nowhere is no folder of task files');
    await refused(['--task-file', 'nothing.yaml'], 2, 'nothing.yaml: no such file');
  });

  test('YAML that is none: file, line and column', () => {
    place.write('broken.yaml', 'task: legs\ndoc_to_text: [a\noutput_type: multiple_choice\n');
    return refused(['--task-file', 'broken.yaml'], 2, /broken\.yaml:3:\d+: /, 'correct the YAML');
  });

  test('a key that is not there, and a value that cannot be', async () => {
    await refused(['--task-file', task('key.yaml', 'colour: blue')], 2, 'key.yaml: task legs: colour: no such key');
    await refused(['--task-file', task('type.yaml', 'output_type: choice')], 2, 'type.yaml: task legs: output_type');
  });

  test('a group without tasks, and one with an unknown task', async () => {
    place.write('empty.yaml', 'group: none\ntask: []\n');
    await refused(['--task-file', 'empty.yaml'], 2, 'empty.yaml: group none has no tasks');
    place.write('group.yaml', 'group: some\ntask: [tfgpt_cloz]\n');
    await refused(['--task-file', 'group.yaml'], 2, 'group.yaml: group some: no task', 'did you mean tfgpt_cloze');
  });

  test('a function of Python: file and function', () =>
    refused(['--task-file', task('python.yaml', 'doc_to_text: !function mine.question')], 2, /mine\.py: .*question/));

  test('a metric that is not there', () =>
    refused(['--task-file', task('metric.yaml', 'metric_list: [{metric: accu}]')], 2, '"accu"', 'did you mean "acc"'));

  test("wrong rules of GPT-3's protocol", () => {
    const file = task('rule.yaml', 'metadata: {gpt3: {instruction: 3}}');
    return refused(['--task-file', file, '--protocol', 'gpt3'], 2, 'task legs: metadata.gpt3: instruction');
  });
});

describe('its data', () => {
  test('a set that is not here: the very paths', () =>
    refused(
      ['--tasks', 'lambada_openai'],
      4,
      /data\/eval\/EleutherAI\/lambada_openai\/default\/test\.jsonl/,
      '--data-root',
    ));

  test('with a data root: its paths first', async () => {
    mkdirSync(place.path('sets'));
    const named = /looked for\n {2}sets\/EleutherAI\/lambada_openai\/default\/test\.jsonl.*\n {2}.*data\/eval/;
    await refused(['--tasks', 'lambada_openai', '--data-root', 'sets'], 4, named, 'gpt data import lambada');
    await refused(['--task-file', 'legs.yaml', '--data-root', 'nowhere'], 4, '--data-root nowhere');
  });

  test('a file that is not there', () => {
    const file = task('file.yaml', 'dataset_kwargs: {data_files: {test: none.jsonl}}');
    return refused(['--task-file', file], 4, 'there is no none.jsonl', place.path('none.jsonl'));
  });

  test('an empty split', async () => {
    place.write('empty.jsonl', '');
    const file = task('empty_split.yaml', 'dataset_kwargs: {data_files: {test: empty.jsonl}}');
    await refused(['--task-file', file], 4, 'empty.jsonl', 'empty');
  });

  test('a row that cannot be read: file and line', () => {
    place.write('half.jsonl', '{"animal":"cat","label":1}\n{"animal":\n');
    return refused(
      ['--task-file', task('half.yaml', 'dataset_kwargs: {data_files: {test: half.jsonl}}')],
      4,
      'half.jsonl:2',
    );
  });

  test('demonstrations that are not there are missed before anything is asked', async () => {
    const file = task('pool.yaml', 'dataset_kwargs: {data_files: {test: rows.jsonl, train: gone.jsonl}}');
    await refused(['--task-file', file, '--shots', '0,1'], 4, 'gone.jsonl');
    const without = await evaluate('--task-file', file, '--shots', '0', '--out', 'without');
    expect(without.code, without.stderr).toBe(0);
  });
});

describe('its templates', () => {
  const at = (field: string) => new RegExp(`task legs, ${field}, document 0: `);

  test('a column that is not there: task, field, document, columns', () =>
    refused(
      ['--task-file', task('column.yaml', 'doc_to_text: "{{animel}}"')],
      4,
      at('doc_to_text'),
      'animel',
      'columns are animal, label',
    ));

  test('one that is none', () =>
    refused(['--task-file', task('open.yaml', 'doc_to_text: "{{animal"')], 4, at('doc_to_text')));

  test('a row without the column: which one', () => {
    place.write('odd.jsonl', '{"animal":"cat","label":1}\n{"beast":"eel","label":1}\n');
    const file = task('odd.yaml', 'dataset_kwargs: {data_files: {test: odd.jsonl}}');
    return refused(['--task-file', file], 4, "task legs, doc_to_text, document 1: 'animal' is undefined");
  });

  test('choices that are missing', () =>
    refused(['--task-file', task('choices.yaml', 'doc_to_choice: null')], 4, at('doc_to_choice'), 'not set'));

  test('an answer without text', () => {
    const file = task('nothing.yaml', "doc_to_choice: ['two', '', 'six']", 'target_delimiter: ""');
    return refused(['--task-file', file], 4, at('doc_to_choice'), 'empty');
  });

  test('a demonstration whose answer is not there is named', async () => {
    place.write('seven.jsonl', '{"animal":"cat","label":1}\n{"animal":"eel","label":7}\n{"animal":"owl","label":0}\n');
    const file = task('seven.yaml', 'dataset_kwargs: {data_files: {test: rows.jsonl, train: seven.jsonl}}');
    await refused(
      ['--task-file', file, '--shots', '1'],
      4,
      /doc_to_target, document 1 of the demonstrations: .*7.* 3 choices/,
    );
  });
});

describe('how it is asked', () => {
  test.each([
    [['--shots', '1,x'], '0,1,few'],
    [['--shots', '-1'], '--shots'],
    [['--limit', '0'], '--limit'],
    [['--task', 'entailment'], '--task'],
    [['--data', 'text.txt'], '--data'],
    [['--protocol', 'gpt2'], 'harness, gpt3'],
    [['--stride', '16'], "'--stride' is for the perplexity of a text"],
    [['--text-key', 'story'], "'--text-key' is for the perplexity of a text"],
  ])('%j', (args, named) => refused(['--task-file', 'legs.yaml', ...args], 2, named));

  test('flags that need --tasks, and several checkpoints', async () => {
    await refused(['--shots', '1'], 2, "'--shots' goes with --tasks or --task-file");
    await refused(['--plot'], 2, "'--plot' goes with --tasks");
    await refused(['--protocol', 'gpt3'], 2, "'--protocol' goes with --tasks");
    await refused(['run'], 2, 'several checkpoints need --tasks');
  });

  test('more shots than there are demonstrations: how many there are', () => {
    const short = task('short.yaml', 'doc_to_text: "{{animal}}"');
    return refused(['--task-file', short, '--shots', '4'], 4, '4 demonstrations', '3 documents', '--shots 3');
  });

  test('more shots than fit: fewer, and it is said', async () => {
    const { code, stdout } = await evaluate('--task-file', 'legs.yaml', '--shots', '3', '--out', 'fewer');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note {5}legs: 3 shots do not fit into n_ctx 64; asked with 1$/m);
    expect(stdout).toMatch(/^3 {8}legs K 1$/m);
  });
});

describe('the model', () => {
  test('one that is not there leaves nothing behind', async () => {
    const ended = await place.gpt(['eval', 'nobody', '--task-file', 'legs.yaml']);
    expect(complaint(ended)).toMatchObject({ code: 4, wellFormed: true, text: expect.stringContaining('nobody') });
    expect(place.names()).not.toContain('nobody');
  });

  test('without a tokenizer, also as the second one: before the first is asked', async () => {
    cpSync(place.path('run', 'step-000004'), place.path('mute'), { recursive: true });
    rmSync(place.path('mute', 'tokenizer.json'));
    await refused(['mute', '--task-file', 'legs.yaml'], 4, 'mute/tokenizer.json', 'tokenizer');
  });

  test('one that was fine-tuned is asked as a language model, and it is said', async () => {
    place.write('t.tsv', ['text\tlabel', 'a cat\tgood', 'a dog\tbad', 'an owl\tgood', 'a bee\tbad'].join('\n'));
    const args = ['--task', 'classification', '--data', 't.tsv', '--val', 't.tsv', '--out', 'tuned'];
    const tuned = await place.gpt(['finetune', 'run', ...args, '--backend', BACKEND, '--train.max_steps', '2']);
    expect(tuned.code, tuned.stderr).toBe(0);
    const asked = await place.gpt(['eval', 'tuned', '--task-file', 'legs.yaml', '--shots', '1', '--backend', BACKEND]);
    expect(asked.code, asked.stderr).toBe(0);
    expect(asked.stdout).toContain('tuned was fine-tuned for classification: these are answers of its language model');
    expect(asked.stdout).toMatch(/^\|legs /m);
  });
});

describe('where it is written', () => {
  test.each([
    ['run', 'exists'],
    ['rows.jsonl', 'exists'],
    ['rows.jsonl/here', 'rows.jsonl'],
    ['/proc/here', '/proc'],
  ])('--out %s', (out, named) => refused(['--task-file', 'legs.yaml', '--out', out], 4, named));

  test('a name of an unfinished folder', () => refused(['--task-file', 'legs.yaml', '--out', 'a.tmp-1'], 2, 'a.tmp-1'));

  test('folders above it are made', async () => {
    const ended = await evaluate('--task-file', 'legs.yaml', '--out', 'some/where/new/');
    expect(ended.code, ended.stderr).toBe(0);
    expect(place.names('some', 'where', 'new')).toContain('report.json');
  });
});
