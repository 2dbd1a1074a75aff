// What a fine-tuning run looks like: on a terminal, in a pipe, with --quiet and with --json.

import { describe, expect, test } from 'vitest';
import type { EvalEvent, RunEvent, StartEvent, Task } from '../../src/base/events.js';
import { painter } from '../../src/cli/block.js';
import { dataBlock, resultBlock } from '../../src/cli/task_text.js';
import { barLine } from '../../src/cli/terminal.js';
import {
  classesTask,
  classesTest,
  classesVal,
  fakeTaskRun,
  scoreTask,
  scoreVal,
  taskStart,
} from '../report/fake_task_run.js';
import { show } from './show.js';

const events = fakeTaskRun();
const plain = painter(false);
const words = (line: string | undefined) => line?.trim().split(/ {2,}/);
const lineOf = (text: string, start: RegExp) => text.split('\n').find((line) => start.test(line));

describe('without a terminal', () => {
  test('the table of the data comes first, then the baseline', async () => {
    const { out } = await show(events, { columns: 100 });
    const lines = out.split('\n');
    expect(lines[0]).toBe('data     sst2 · classification of 2 classes · judged by accuracy');
    expect(words(lines[2])).toEqual(['train', '60,615', '44.2%', '55.8%', '13.3', '34', '70', '0', '3']);
    expect(words(lines[4])).toEqual(['test', '1,821', '50.1%', '49.9%', '24.3', '44', '68', '2', '0']);
    expect(lines[5]).toBe('baseline majority · accuracy 0.5579 · macro F1 0.3581');
    expect(out).toContain('300 steps × 32 examples (3 epochs) · loss = task + 0.5 × language model');
    expect(out).not.toMatch(/NaN|undefined|null/);
    expect(out).not.toContain('\x1b');
  });

  test('a line every log_every steps with task loss and padding, and one per epoch', async () => {
    const { out } = await show(events);
    const steps = out.split('\n').filter((line) => line.startsWith('step '));
    expect(steps.map((line) => line.split('/')[0])).toEqual(
      ['1', '50', '100', '150', '200', '250', '300'].map((n) => `step ${n}`),
    );
    expect(steps[1]).toMatch(/^step 50\/300 {2}loss 2\.\d+ {2}task 0\.\d+ {2}lr .* padding \d\.\d% /);
    expect(out).not.toContain('ppl');
    expect(out.split('\n').filter((line) => line.startsWith('epoch '))).toEqual([
      'epoch 1  step 100  val loss 0.5800  accuracy 0.7000  macro F1 0.6800  best',
      'epoch 2  step 200  val loss 0.4300  accuracy 0.8132  macro F1 0.8101  best',
      'epoch 3  step 300  val loss 0.4700  accuracy 0.8000  macro F1 0.7900',
    ]);
  });

  test('the end: metrics beside the baseline, confusion matrices, errors, and what to type next', async () => {
    const { out } = await show(events);
    const end = out.slice(out.indexOf('\ndone'));
    expect(end).toContain('best accuracy 0.8132 at step 200');
    expect(end).not.toContain('perplexity');
    expect(end).toContain('result   best epoch 2 (step 200) · val: 6,734 examples · test: 1,821 examples');
    expect(words(lineOf(end, /^ +split/))).toEqual(['split', 'metric', 'value ± error', 'majority']);
    expect(words(lineOf(end, /^ +val +accuracy/))).toEqual(['val', 'accuracy', '0.8132 ± 0.0047', '0.5579']);
    expect(words(lineOf(end, /^ +test +macro/))).toEqual(['test', 'macro F1', '0.8066 ± 0.0092', '0.3330']);
    expect(words(lineOf(end, /^ +negative {2}2,236/))).toEqual(['negative', '2,236', '75.1%', '741', '24.9%']);
    expect(words(lineOf(end, /^ +positive +169/))).toEqual(['positive', '169', '18.6%', '740', '81.4%']);
    expect(end.match(/ (posi|nega)tive -> (posi|nega)tive /g)?.length).toBe(10);
    expect(lineOf(end, /99\.9%/)).toMatch(/^ {10}99\.9% {2}positive -> negative {2}not <b>once<.*\.\.\.$/);
    expect(end).toContain('report   checkpoints/quickstart-sst2/report.html');
    expect(end).toContain('gpt predict checkpoints/quickstart-sst2 --data new.jsonl');
    expect(end).toContain('gpt eval checkpoints/quickstart-sst2 --task classification --data test.tsv');
    expect(end.split('\n').filter((line) => line.length > 80 && !line.includes(' gpt '))).toEqual([]); // one can copy
  });

  test('a score: predictions by bins of gold, errors by size', async () => {
    const { out } = await show(fakeTaskRun('score'));
    expect(out).toContain('data     stsb · similarity, a score by cosine · judged by Pearson');
    expect(words(lineOf(out, /^ +split/))).toEqual([
      'split',
      'examples',
      'mean tokens',
      '95 %',
      'longest',
      'truncated',
      'skipped',
    ]);
    const bins = out.split('\n').filter((line) => /^ +\d\.\d\d to /.test(line));
    expect(bins.map((line) => words(line)?.slice(0, 2))).toEqual([
      ['0.00 to 1.00', '29'],
      ['1.00 to 2.00', '29'],
      ['2.00 to 3.00', '29'],
      ['3.00 to 4.00', '28'],
      ['4.00 to 5.00', '35'],
    ]);
    expect(out).toMatch(/errors {3}val: the largest, and by how much\n +3\.48 {2}4\.8 -> 1\.32 {2}not/);
    expect(out).toContain('--task similarity');
  });

  test('an interrupted run has no result yet, and says how to go on', async () => {
    const [start, ...rest] = events;
    const end = { ...rest.at(-1)!, reason: 'interrupted' } as RunEvent;
    const { out } = await show([start!, ...rest.slice(0, 110), end]);
    expect(out).toContain('gpt finetune --resume checkpoints/quickstart-sst2');
    expect(out).not.toContain('result ');
  });
});

test('--quiet leaves the summary alone, with the metrics', async () => {
  const { out, err } = await show(events, { quiet: true, isTTY: true });
  expect(out).toMatch(/^done {5}300 steps in 1m59s/);
  expect(out).toContain('val accuracy 0.8132 ± 0.0047');
  expect(out).toContain('test accuracy 0.8067 ± 0.0092');
  expect(out.trimEnd().split('\n').length).toBe(3);
  expect(err).toBe('');
});

test('--json: every event is one line, and there is nothing else', async () => {
  const { out } = await show(events, { json: true });
  const lines = out.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(events);
});

describe('an evaluation without a run', () => {
  test('is its result', async () => {
    const { settings: _, epoch: _epoch, ...test } = classesTest;
    const { out } = await show([{ ...test, name: 'test.tsv' }]);
    expect(out).toMatch(/^result {3}test\.tsv: 1,821 examples\n/);
    expect(words(lineOf(out, /^ +test\.tsv +accuracy/))).toEqual(['test.tsv', 'accuracy', '0.8067 ± 0.0092', '0.4992']);
    expect(out).toContain('errors   test.tsv');
  });

  test('--quiet: the metrics alone', async () => {
    const { out } = await show([classesTest], { quiet: true });
    expect(out).toContain('0.8067 ± 0.0092');
    expect(out).not.toMatch(/errors|confused/);
  });
});

describe('on a terminal', () => {
  test('a table line per epoch that fits, the best marked', async () => {
    const { out } = await show(events, { isTTY: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what stands on a line after it was last cleared
    const rows = out.split('\n').map((line) => line.replace(/.*\x1b\[2K/, ''));
    const head = rows.find((line) => line.startsWith('epoch'));
    expect(head?.split(/ {2,}/).slice(0, 7)).toEqual(['epoch', 'step', 'loss', 'task', 'val', 'accuracy', 'macro F1']);
    const table = rows.filter((line) => /^ +\d +\d+\/300 /.test(line));
    expect(table.map((line) => line.trim().split(/ +/)[4])).toEqual(['0.5800', '0.4300', '0.4700']);
    expect(table.map((line) => line.endsWith(' best'))).toEqual([true, true, false]);
    expect(Math.max(...[head!, ...table].map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('the bar has loss and padding in 80 columns, and no perplexity in any', () => {
    const step = events.find((e) => e.type === 'step')!;
    const epoch = events.find((e): e is EvalEvent => e.type === 'eval')!;
    const task = { metric: 'accuracy', loss: 0.512, epoch };
    const readings = { maxSteps: 300, resumedFrom: 0, loss: 2.0243, step, val: undefined, task };
    const line = barLine(0.5, readings, 80, plain);
    expect(line).toContain('loss 2.024');
    expect(line).toContain(`padding ${(100 * step.padding!).toFixed(1)}%`);
    const wide = barLine(0.5, readings, 200, plain);
    for (const part of ['accuracy 0.7000', 'task 0.512', 'tok/s', 'eta ']) expect(wide).toContain(part);
    expect(wide).not.toContain('ppl');
    const widths = Array.from({ length: 181 }, (_, i) => i + 25);
    expect(widths.filter((w) => barLine(0.999, readings, w, plain).length > w - 1)).toEqual([]);
  });
});

describe('what does not fit', () => {
  const many = Array.from({ length: 30 }, (_, i) => `class with a long name ${i}`);
  const [train] = classesTask.splits;
  const wide: Task = {
    ...classesTask,
    labels: many,
    splits: [{ ...train!, classes: Object.fromEntries(many.map((name, i) => [name, i + 1])) }],
  };
  const counts = many.map((_, g) => many.map((__, p) => (g === p ? 1000 : g === 3 && p === 5 ? 77 : 0)));

  test('many classes stand below the table, the first of them', () => {
    const block = dataBlock(wide, 80, plain);
    expect(block).toContain('class with a ... 0.2%');
    expect(block).toContain('and 20 more');
    expect(block.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('a large confusion matrix becomes its most frequent mistakes', () => {
    const block = resultBlock([{ ...classesVal, confusion: { labels: many, counts } }], wide, 80, plain);
    expect(words(lineOf(block, /77 of/))).toEqual(['class with a ...', 'class with a ...', '77 of 1,077']);
    expect(block.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('one of middle size loses its shares', () => {
    const labels = many.slice(0, 8).map((_, i) => `c${i}`);
    const few = counts.slice(0, 8).map((line) => line.slice(0, 8));
    const block = resultBlock([{ ...classesVal, errors: [], confusion: { labels, counts: few } }], wide, 80, plain);
    expect(words(lineOf(block, /77/))?.slice(0, 7)).toEqual(['c3', '0', '0', '0', '1,000', '0', '77']);
    expect(block).not.toContain('%');
  });

  test('a class without examples has no shares; texts cannot move the cursor', () => {
    const counts = [
      [0, 0],
      [2, 3],
    ];
    const errors = [{ ...classesVal.errors![0]!, text: 'a\x1b[2Jb\r\n  c', gold: 'x\x07' }];
    const confusion = { labels: ['x\x07', 'y'], counts };
    const block = resultBlock([{ ...classesVal, errors, confusion }], classesTask, 80, plain);
    expect(block).not.toMatch(/NaN/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(block).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect(block).toContain('a\ufffd[2Jb | c');
  });

  test('equal gold scores share a bin; a run without labels, baseline metrics or examples does no harm', async () => {
    const same: EvalEvent = {
      ...scoreVal,
      scatter: [
        [2, 1.5],
        [2, 2.5],
      ],
    };
    expect(words(lineOf(resultBlock([same], scoreTask, 80, plain), /^ +2\.00 to/))).toEqual([
      '2.00 to 3.00',
      '2',
      '2.00',
      '0.50',
      '0.50',
    ]);
    const bare: Task = { ...scoreTask, baseline: { name: 'mean score', metrics: {} }, splits: [] };
    const start: StartEvent = { ...taskStart(bare), config: null };
    const { out } = await show([start, { ...scoreVal, metrics: {}, scatter: [], errors: [] }, events.at(-1)!]);
    expect(out).not.toMatch(/NaN|undefined|null|Infinity/);
  });
});
