// `gpt eval --tasks`: tasks in context from a trained checkpoint to table, report and files, as a user sees them.
// The numbers themselves: test/eval. What is refused: eval_in_context_input.test.ts.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EvalFigures, Panel } from '../../../src/base/eval_figures.js';
import type { EvalRecord, TaskRun } from '../../../src/base/eval_record.js';
import { type DrawnPlot, plotsIn } from '../../report/drawn.js';
import { BACKEND, type Ended, Workplace } from './gpt.js';

const place = new Workplace();
afterAll(() => place.remove());

const MODEL = [
  '--model.n_ctx',
  '640',
  '--train.batch_tokens',
  '1280',
  '--train.max_steps',
  '8',
  '--train.eval_tokens',
  '640',
];

beforeAll(async () => {
  await place.train('small', ...MODEL);
  await place.train('large', ...MODEL, '--model.n_embd', '48');
  const animals = ['cat', 'dog', 'owl', 'ant', 'cow', 'bee', 'hen', 'fox'];
  const rows = animals.map((animal, i) => JSON.stringify({ animal, legs: [4, 4, 2, 6, 4, 6, 2, 4][i] }));
  place.write('train.jsonl', `${rows.slice(0, 5).join('\n')}\n`);
  place.write('test.jsonl', `${rows.slice(5).join('\n')}\n`);
  place.write(
    'legs.yaml',
    [
      'task: legs',
      'dataset_path: json',
      'dataset_kwargs: {data_files: {train: train.jsonl, test: test.jsonl}}',
      'output_type: multiple_choice',
      'training_split: train',
      'test_split: test',
      'doc_to_text: "The legs of a {{animal}}:"',
      "doc_to_target: \"{{['2', '4', '6'].index(legs|string)}}\"",
      "doc_to_choice: ['two', 'four', 'six']",
      'metric_list: [{metric: acc}]',
      'metadata: {version: 3}',
    ].join('\n'),
  );
});

const evaluate = (...args: string[]) => place.gpt(['eval', ...args, '--backend', BACKEND]);

async function succeed(...args: string[]): Promise<Ended> {
  const ended = await evaluate(...args);
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

type Report = EvalRecord & { readonly figures: EvalFigures };
const report = (...folder: string[]) => JSON.parse(place.read(...folder, 'report.json').toString()) as Report;
const linesOf = (...names: string[]) =>
  place
    .read(...names)
    .toString()
    .trim()
    .split('\n');
/** What must be the same whenever it is asked. */
const numbersOf = ({ runs }: EvalRecord) =>
  runs.map(({ seconds: _, ...run }) => run).sort((a, b) => (`${a.task} ${a.asked}` < `${b.task} ${b.asked}` ? -1 : 1));
/** Answers that are kept, of all models. */
function answersIn(cache: string): string[] {
  const folder = place.path(cache, 'answers');
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.flatMap((file) => readFileSync(`${folder}/${file}`, 'utf8').trim().split('\n'));
}
const cacheLines = () => answersIn('.cache').length;

interface Results {
  readonly results: Record<string, Record<string, number | string>>;
  readonly groups?: Record<string, Record<string, number>>;
  readonly 'n-shot': Record<string, number>;
  readonly 'n-samples': Record<string, { original: number; effective: number }>;
  readonly versions: Record<string, number>;
  readonly higher_is_better: Record<string, Record<string, boolean>>;
}

function results(...folder: string[]): Results {
  const name = place.names(...folder).find((file) => /^results_[\d-]+T[\d-]+\.\d+\.json$/.test(file))!;
  return JSON.parse(place.read(...folder, name).toString()) as Results;
}

/** Cells of the rows of a table. */
const table = (stdout: string, heading = 'Tasks'): string[][] => {
  const lines = stdout.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^\\| *${heading} *\\|Version\\|Filter\\|n-shot\\|`).test(line));
  const rows = lines.slice(start + 2);
  return rows.slice(0, rows.indexOf('')).map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
};

describe('one model, two built-in tasks at 0, 1 and few shots', () => {
  let ended: Ended;
  beforeAll(async () => {
    const tasks = ['--tasks', 'tfgpt_entailment,tfgpt_cloze', '--shots', '0,1,few', '--limit', '6'];
    ended = await succeed('small', ...tasks, '--plot', '--log-samples', '--out', 'one');
  });

  test("the harness's table, of which every number is in its results file and in the report", () => {
    const rows = table(ended.stdout);
    const { runs } = report('one');
    expect(runs.map(({ task, asked }) => [task, asked])).toEqual(
      ['0', '1', 'few'].flatMap((asked) => ['tfgpt_entailment', 'tfgpt_cloze'].map((task) => [task, asked])),
    );
    const told = (metric: string, shots: number, arrow: string, task: string) => {
      const start = rows.findIndex(([name]) => name === task);
      return rows.slice(start).find((row) => row[3] === String(shots) && row[4] === metric && row[5] === arrow)!;
    };
    for (const { task, asked, shots, metrics } of runs) {
      const ofHarness = results('one', 'small', asked);
      expect(ofHarness['n-shot'][task]).toBe(shots);
      expect(ofHarness['n-samples'][task]).toEqual({ original: task === 'tfgpt_cloze' ? 150 : 99, effective: 6 });
      for (const { metric, filter, value, stderr, higher_is_better } of metrics) {
        expect(ofHarness.results[task]![`${metric},${filter}`]).toBe(value);
        expect(ofHarness.results[task]![`${metric}_stderr,${filter}`]).toBe(stderr);
        expect(ofHarness.higher_is_better[task]![metric]).toBe(higher_is_better);
        const arrow = higher_is_better ? '↑' : '↓';
        const [, , , , , , ofTable, sign, error] = told(metric, shots, arrow, task);
        expect(Math.abs(Number(ofTable) - value)).toBeLessThan(1e-4 + 1e-9 * value);
        expect(Math.abs(Number(error) - stderr!)).toBeLessThan(1e-4 + 1e-9 * stderr!);
        expect(sign).toBe('±');
      }
    }
    expect(rows.map(([name]) => name).filter((name) => name !== '')).toEqual(['tfgpt_cloze', 'tfgpt_entailment']);
  });

  test('below it: baselines, K of few, notes, totals, files, and what to do next', () => {
    const { runs } = report('one');
    const few = runs.filter(({ asked }) => asked === 'few');
    for (const { shots } of few) expect(shots).toBeGreaterThan(0);
    expect(ended.stdout).toMatch(/^chance {3}tfgpt_entailment 0\.3333$/m);
    expect(ended.stdout).toMatch(/^majority tfgpt_entailment 0\.\d+$/m);
    expect(ended.stdout).toContain(`few      ${few.map(({ task, shots }) => `${task} K ${shots}`).join(' · ')}`);
    expect(ended.stdout).toMatch(/^note {5}--limit 6: not all documents/m);
    expect(ended.stdout).toMatch(/^total {4}2 tasks · 12 docs · 72 requests · .* truncated$/m);
    expect(ended.stdout).toMatch(/^report {3}one\/report\.html$/m);
    expect(ended.stdout).toMatch(/^next {5}.*gpt\.js tasks show tfgpt_entailment --shots 1$/m);
    expect(ended.stderr).toBe('');
  });

  test('the plot', () => {
    expect(ended.stdout).toMatch(/^accuracy, mean of 2 tasks, by number of shots/m);
  });

  test('samples: a line a document, with the very prompt that gpt tasks show prints', async () => {
    const shown = await place.gpt(['tasks', 'show', 'tfgpt_entailment', '--shots', '1', '--docs', '6', '--json']);
    const [{ prompts }] = JSON.parse(shown.stdout) as [{ prompts: { context: string }[] }];
    const file = place.names('one', 'small', '1').find((name) => name.startsWith('samples_tfgpt_entailment_'))!;
    const samples = linesOf('one', 'small', '1', file).map(
      (line) => JSON.parse(line) as { arguments: { gen_args_0: { arg_0: string } }; acc: number },
    );
    expect(samples.map((sample) => sample.arguments.gen_args_0.arg_0)).toEqual(prompts.map(({ context }) => context));
    const { value } = report('one').runs.find(({ task, asked }) => task === 'tfgpt_entailment' && asked === '1')!
      .metrics[0]!;
    expect(samples.reduce((sum, { acc }) => sum + acc, 0) / 6).toBeCloseTo(value, 12);
  });

  test('the markers of the page stand for the numbers of report.json', () => {
    const { figures, runs } = report('one');
    const panels = figures.by_shots;
    expect(panels.map(({ title }) => title)).toEqual(['mean of 2 tasks', 'tfgpt_entailment', 'tfgpt_cloze']);
    const plots = plotsIn(place.read('one', 'report.html').toString());
    const points = ({ lines }: Pick<DrawnPlot, 'lines'> | Panel) =>
      lines.map(({ name, points: all }) => [name, all.map(({ x, y, stderr }) => [x, y, stderr])]).sort();
    for (const [i, id] of ['big', '0', '1'].entries()) {
      const plot = plots.find((one) => one.id === `by_shots-harness-${id}`)!;
      expect(points(plot)).toEqual(points(panels[i]!));
    }
    const accuracy = (run: TaskRun) => run.metrics.find(({ metric }) => metric === 'acc')!.value;
    const [entailment] = panels[1]!.lines;
    expect(entailment!.points.map(({ y }) => y)).toEqual(
      runs.filter(({ task }) => task === 'tfgpt_entailment').map(accuracy),
    );
  });

  test('the same command again refuses the folder before it does anything', async () => {
    const again = await evaluate('small', '--tasks', 'tfgpt_cloze', '--no-cache', '--out', 'one');
    expect(again).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('one exists') });
  });

  test('other order, other batches, no cache: the same numbers', async () => {
    const lines = cacheLines();
    const tasks = ['--tasks', 'tfgpt_cloze,tfgpt_entailment', '--shots', 'few,1,0', '--limit', '6'];
    await succeed('small', ...tasks, '--no-cache', '--out', 'again');
    expect(cacheLines()).toBe(lines);
    expect(numbersOf(report('again'))).toEqual(numbersOf(report('one')));
  });
});

test('two models: a table and a line each, smaller ones first in the figure', async () => {
  const args = ['--task-file', 'legs.yaml', '--shots', '0,2', '--json', '--out', 'two'];
  const { stdout, stderr } = await succeed('large', 'small', ...args);
  const printed = JSON.parse(stdout) as Report;
  expect(printed).toEqual(report('two'));
  expect(stderr).toBe('');
  expect(printed.models.map(({ name }) => name)).toEqual(['large', 'small']);
  const [large, small] = printed.models;
  expect(large!.parameters).toBeGreaterThan(small!.parameters);
  const [panel] = printed.figures.by_size;
  expect(panel!.lines.map(({ points }) => points.map(({ x }) => x))).toEqual([
    [small!.parameters, large!.parameters],
    [small!.parameters, large!.parameters],
  ]);
  const plotted = await succeed(
    'large',
    'small',
    '--task-file',
    'legs.yaml',
    '--shots',
    '0,2',
    '--plot',
    '--out',
    'plot',
  );
  expect(plotted.stdout).toMatch(/^large\n\|Tasks\|[\s\S]*^small\n\|Tasks\|/m);
  expect(plotted.stdout).toMatch(/by model size/);
  const both = await place.gpt(['report', 'two', 'plot', '--out', 'both']);
  expect(both.code, both.stderr).toBe(0);
  expect(numbersOf(report('both'))).toEqual(numbersOf(report('two')));
});

describe("a task file of one's own", () => {
  test('is asked as it says', async () => {
    const { stdout } = await succeed('small', '--task-file', 'legs.yaml', '--shots', '2', '--out', 'mine');
    const [row, ...others] = table(stdout);
    expect(others).toEqual([]);
    expect(row!.slice(0, 6)).toEqual(['legs', '3', 'none', '2', 'acc', '↑']);
    expect(report('mine').runs[0]).toMatchObject({ docs: 3, docs_of: 3, requests: 9, shots: 2, chance: 1 / 3 });
    const [example] = report('mine').runs[0]!.examples;
    expect(example!.prompt).toMatch(/^(The legs of a \w+: (two|four|six)\n\n){2}The legs of a bee:$/);
    expect(example!.target).toBe('six');
  });

  test('the command that is said next works', async () => {
    const { stdout } = await succeed('small', '--task-file', 'legs.yaml', '--out', 'first');
    const next = /^next {5}.*?gpt\.js (.*)$/m.exec(stdout)![1]!.split(' ');
    expect(next.slice(2)).toEqual(['--task-file', 'legs.yaml', '--shots', '0,1,few', '--plot']);
    const then = await place.gpt([...next, '--out', 'then']);
    expect(then.code, then.stderr).toBe(0);
    const show = /^next {5}.*?gpt\.js (.*)$/m.exec(then.stdout)![1]!.split(' ');
    const shown = await place.gpt(show);
    expect(shown.code, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(/^legs\n/);
  });

  test('is found by name in a folder of task files', async () => {
    const { stdout } = await succeed('small', '--tasks-dir', '.', '--tasks', 'le*', '--out', 'named');
    expect(table(stdout)[0]!.slice(0, 2)).toEqual(['legs', '3']);
  });

  test('a prompt longer than the context is cut from the left, and counted', async () => {
    place.write(
      'long.yaml',
      place
        .read('legs.yaml')
        .toString()
        .replace('The legs of', `${'very '.repeat(200)}long legs of`),
    );
    const { stdout } = await succeed('small', '--task-file', 'long.yaml', '--shots', '1', '--out', 'long');
    expect(report('long').runs[0]).toMatchObject({ shots: 0, requests: 9, truncated: 9 });
    expect(stdout).toContain('legs: 1 shots do not fit into n_ctx 640; asked with 0');
    expect(stdout).toMatch(/· 9 truncated$/m);
    expect(place.read('long', 'report.html').toString()).toMatch(/truncated/);
  });

  test('a target that is no choice counts as wrong, and is told', async () => {
    place.write('bad.jsonl', '{"animal":"bee","legs":6}\n{"animal":"eel","legs":0}\n');
    const text = place.read('legs.yaml').toString().replace('test: test.jsonl', 'test: bad.jsonl');
    place.write('bad.yaml', text.replace(/doc_to_target: .*/, 'doc_to_target: "{{ legs // 2 - 1 if legs else 9 }}"'));
    const { stdout } = await succeed('small', '--task-file', 'bad.yaml', '--shots', '0', '--out', 'bad');
    expect(stdout).toContain('legs: the target of 1 of 2 documents is none of their choices; they count as wrong');
    expect(report('bad').runs[0]!.metrics[0]!.value).toBeLessThanOrEqual(0.5);
  });
});

describe('other kinds of tasks', () => {
  test('a group: its mean, and a table of groups', async () => {
    const { stdout } = await succeed(
      'small',
      '--tasks',
      'arithmetic',
      '--shots',
      '0,few',
      '--limit',
      '2',
      '--out',
      'group',
    );
    const { runs } = report('group');
    const group = runs.find(({ task, asked }) => task === 'arithmetic' && asked === 'few')!;
    const members = runs.filter(({ task, asked }) => group.members!.includes(task) && asked === 'few');
    expect(members).toHaveLength(10);
    const mean = members.reduce((sum, { metrics }) => sum + metrics[0]!.value, 0) / 10;
    expect(group.metrics[0]!.value).toBeCloseTo(mean, 12);
    expect(results('group', 'small', 'few').groups!['arithmetic']!['acc,none']).toBe(group.metrics[0]!.value);
    expect(table(stdout, 'Groups')[0]!.slice(0, 5)).toEqual(['arithmetic', '1', 'none', '0', 'acc']);
    expect(table(stdout)[0]![0]).toBe('arithmetic');
    expect(table(stdout).filter(([name]) => name!.startsWith('- tfgpt_arithmetic_'))).toHaveLength(10);
    const again = await place.gpt(['report', 'group']); // whose mean K is no whole number
    expect(again.code, again.stderr).toBe(0);
  });

  test('text that is generated', async () => {
    await succeed(
      'small',
      '--tasks',
      'tfgpt_reversed_words',
      '--shots',
      '1',
      '--limit',
      '3',
      '--log-samples',
      '--out',
      'text',
    );
    const [run] = report('text').runs;
    expect(run!.metrics[0]).toMatchObject({ metric: 'exact_match', filter: 'none' });
    const file = place.names('text', 'small', '1').find((name) => name.startsWith('samples_'))!;
    for (const line of linesOf('text', 'small', '1', file)) {
      const { resps } = JSON.parse(line) as { resps: [[string]] };
      expect(resps[0][0]).not.toContain('\n');
      expect(Buffer.byteLength(resps[0][0])).toBeLessThanOrEqual(16 * 3); // tokens of a byte; a broken one reads as three
    }
  });

  test('a text: once, whatever the shots, and as gpt eval --window rolling measures it', async () => {
    const { stdout } = await succeed(
      'small',
      '--tasks',
      'tfgpt_stories',
      '--shots',
      '0,1',
      '--limit',
      '3',
      '--out',
      'roll',
    );
    expect(table(stdout).map((row) => row.slice(3, 5))).toEqual(
      ['bits_per_byte', 'byte_perplexity', 'word_perplexity'].map((metric) => ['0', metric]),
    );
    const root = new URL('../../../data/eval/tfgpt/stories/default/test.jsonl', import.meta.url);
    place.write('three.jsonl', `${readFileSync(root, 'utf8').split('\n').slice(0, 3).join('\n')}\n`);
    const text = await evaluate('small', '--data', 'three.jsonl', '--window', 'rolling', '--json');
    const measured = JSON.parse(text.stdout) as { byte_perplexity: number; bits_per_byte: number };
    const of = (name: string) => report('roll').runs[0]!.metrics.find(({ metric }) => metric === name)!.value;
    expect(of('byte_perplexity') / measured.byte_perplexity).toBeCloseTo(1, 6);
    expect(of('bits_per_byte') / measured.bits_per_byte).toBeCloseTo(1, 6);
  });
});

test('shuffled demonstrations: other answers, the same questions', async () => {
  const args = ['--task-file', 'legs.yaml', '--shots', '4'];
  await succeed('small', ...args, '--out', 'right');
  const { stdout } = await succeed('small', ...args, '--demonstrations', 'shuffled', '--out', 'shuffled');
  expect(stdout).toMatch(/^note {5}the answers of the demonstrations were shuffled$/m);
  const prompts = (folder: string) => report(folder).runs[0]!.examples.map(({ prompt }) => prompt);
  const questions = (folder: string) => prompts(folder).map((prompt) => prompt.replace(/: \w+/g, ':'));
  expect(questions('shuffled')).toEqual(questions('right'));
  expect(prompts('shuffled')).not.toEqual(prompts('right'));
});

test("GPT-3's protocol: its own prompt and its own score", async () => {
  place.write(
    'told.yaml',
    `${place.read('legs.yaml')}\n`.replace('{version: 3}', '{version: 3, gpt3: {instruction: "Count.\\n"}}'),
  );
  const args = ['--task-file', 'told.yaml', '--shots', '0,1', '--log-samples'];
  const { stdout } = await succeed('small', ...args, '--protocol', 'gpt3', '--out', 'gpt3');
  expect(table(stdout).map((row) => row.slice(3, 5).join(' '))).toEqual([
    ...['0 acc', '0 acc_per_token', '1 acc', '1 acc_per_token'],
  ]);
  expect(stdout).toMatch(/^note {5}prompts and scores are those of GPT-3's paper$/m);
  const { runs } = report('gpt3');
  expect(runs.map(({ protocol, examples }) => [protocol, examples[0]!.prompt.startsWith('Count.\n')])).toEqual([
    ['gpt3', true],
    ['gpt3', false],
  ]);
  expect(runs[0]!.metrics[0]!.metric).toBe('acc_per_token');
  expect(results('gpt3', 'small', '0').results['legs']!['acc_per_token,none']).toBe(runs[0]!.metrics[0]!.value);
});

test('--contamination counts the documents that stand in a text', async () => {
  const [first] = readFileSync(
    new URL('../../../data/eval/tfgpt/cloze/default/test.jsonl', import.meta.url),
    'utf8',
  ).split('\n');
  const { text } = JSON.parse(first!) as { text: string };
  place.write('corpus.txt', `Once more. ${text} And so on.`);
  const args = ['--tasks', 'tfgpt_cloze', '--limit', '4', '--contamination', 'corpus.txt', '--out', 'dirty'];
  const { stdout } = await succeed('small', ...args);
  expect(stdout).toMatch(/^dirty {4}tfgpt_cloze 1 of 4 \(13-grams\)$/m);
  const { contamination, metrics } = report('dirty').runs[0]!;
  expect(contamination).toMatchObject({ n: 13, dirty: 1 });
  // perplexity: ln of the whole is the mean of the logarithms of the parts
  const { value } = metrics.find(({ metric }) => metric === 'perplexity')!;
  const logs = (3 * Math.log(contamination!.clean_value!) + Math.log(contamination!.dirty_value!)) / 4;
  expect(logs).toBeCloseTo(Math.log(value), 10);
  expect(place.read('dirty', 'report.html').toString()).toMatch(/dirty/);
});

describe('an interrupted evaluation', () => {
  const args = ['small', '--tasks', 'unscramble', '--shots', '0,1', '--limit', '40'];

  test('keeps its answers, and the same command goes on to the same report', async () => {
    const cache = { GPT_CACHE: place.path('cache-a') };
    const answers = () => answersIn('cache-a').length;
    const running = place.start(['eval', ...args, '--backend', BACKEND, '--out', 'stopped'], cache);
    while (answers() < 20) await new Promise((resolve) => setTimeout(resolve, 5));
    running.process.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toContain('SIGINT: stopping; the same command goes on from here');
    expect(place.names()).not.toContain('stopped');
    const kept = answers();
    expect(kept).toBeLessThan(400);

    const resumed = await place.gpt(['eval', ...args, '--backend', BACKEND, '--out', 'stopped'], cache);
    expect(resumed.code, resumed.stderr).toBe(0);
    const lines = answersIn('cache-a');
    expect(lines).toHaveLength(400); // 5 tasks of 40 documents, twice: nothing was asked again
    expect(new Set(lines.map((line) => (JSON.parse(line) as { key: string }).key)).size).toBe(400);
    await succeed(...args, '--no-cache', '--out', 'straight');
    expect(numbersOf(report('stopped'))).toEqual(numbersOf(report('straight')));
  });
});

test('a report beside the checkpoint leaves the run as it was', async () => {
  await place.train('run', ...MODEL, '--train.save_every', '4', '--train.keep', '2');
  await succeed('run', '--task-file', 'legs.yaml');
  const [name] = place.names('run', 'eval');
  expect(name).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d$/);
  expect(place.names('run', 'eval', name!)).toContain('report.html');
  const commands = [
    ['generate', 'run', '--prompt', 'The', '--tokens', '4'],
    ['eval', 'run', '--data', 'text.txt'],
    ['eval', 'run', '--task-file', 'legs.yaml'],
    ['report', 'run'],
    ['pretrain', '--resume', 'run', '--train.max_steps', '12'],
    ['report', `run/eval/${name}`],
  ];
  for (const args of commands) expect(await place.gpt(args)).toMatchObject({ code: 0 });
  expect(place.names('run')).toEqual(expect.arrayContaining(['eval', 'step-000012', 'report.html']));
  expect(place.names('run', 'eval')).toHaveLength(2);
});
