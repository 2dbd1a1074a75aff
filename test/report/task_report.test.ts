// report.html and report.json of a fine-tuning run.

import { describe, expect, test } from 'vitest';
import type { EvalEvent, RunEvent } from '../../src/base/events.js';
import { jsonText } from '../../src/base/json.js';

import { reportHtml } from '../../src/report/html.js';
import { parseRun, type RunRecord } from '../../src/report/record.js';
import { scatterChart } from '../../src/report/scatter.js';
import { reportJson, summarize } from '../../src/report/summary.js';
import { classesTask, classesVal, fakeTaskRun, scoreTask, scoreVal, taskStart } from './fake_task_run.js';

const read = (events: readonly RunEvent[]): RunRecord => parseRun(events.map(jsonText), 'run.jsonl');
const record = read(fakeTaskRun());
const scores = read(fakeTaskRun('score'));
const html = reportHtml(record);
/** Cells of the first table row with this beginning. */
const cells = (page: string, beginning: string) =>
  page
    .split('\n')
    .find((line) => line.includes('<tr') && line.includes(beginning))
    ?.split(/(?:<[^>]*>)+/)
    .filter((cell) => cell !== '');

test('every event is read as it was written', () => {
  for (const [kind, { unreadableLines, start, steps, evals, end }] of [
    ['classes', record],
    ['score', scores],
  ] as const) {
    const events = fakeTaskRun(kind);
    expect(unreadableLines.count).toBe(0);
    expect(start).toEqual(events[0]);
    expect(steps).toEqual(events.filter((e) => e.type === 'step'));
    expect(evals).toEqual(events.filter((e) => e.type === 'eval'));
    expect(end).toEqual(events.at(-1));
  }
});

describe('summary', () => {
  test('results of both splits, each beside its own baseline', () => {
    expect(summarize(record).task).toEqual({
      metric: 'accuracy',
      best: { step: 200, epoch: 2, value: 0.8132 },
      padding: expect.closeTo(0.06, 3) as number,
      results: [
        { split: 'val', metric: 'accuracy', value: 0.8132, stderr: 0.0047, baseline: 0.5579 },
        { split: 'val', metric: 'macro_f1', value: 0.8101, stderr: 0.0048, baseline: 0.3581 },
        { split: 'test', metric: 'accuracy', value: 0.8067, stderr: 0.0092, baseline: 0.4992 },
        { split: 'test', metric: 'macro_f1', value: 0.8066, stderr: 0.0092, baseline: 0.333 },
      ],
    });
    expect(summarize(record).perplexity).toEqual([]);
  });

  test('of a run that goes on: the best epoch so far', () => {
    const running = read(
      fakeTaskRun().filter((e) => (e.type !== 'end' && e.type !== 'eval') || (e.type === 'eval' && e.epoch === 1)),
    );
    expect(summarize(running).task?.results).toEqual([
      { split: 'val', metric: 'accuracy', value: 0.7, stderr: null, baseline: 0.5579 },
      { split: 'val', metric: 'macro_f1', value: 0.68, stderr: null, baseline: 0.3581 },
    ]);
    expect(reportHtml(running)).toContain('The run has not finished.');
  });

  test('a resume that does an epoch again: the later part counts', () => {
    const again: EvalEvent = { ...classesVal, metrics: { accuracy: { value: 0.9, stderr: 0.01 } } };
    const resumed = read([...fakeTaskRun(), { ...taskStart(classesTask), resumed_from: 100 }, again]);
    expect(summarize(resumed).task?.results.map(({ value }) => value)).toEqual([0.9]);
  });

  test('report.json has the numbers of the page', () => {
    const json = JSON.parse(jsonText(reportJson(record))) as ReturnType<typeof reportJson>;
    expect(json.summary.task).toEqual(summarize(record).task);
    expect(json.run.task).toEqual(classesTask);
    expect(json.evaluations.at(-1)?.confusion?.counts[1]).toEqual([169, 740]);
  });
});

describe('report.html', () => {
  test('has the metrics beside the baseline, and says of which epoch', () => {
    expect(cells(html, '>val<')).toEqual(['val', 'accuracy', '0.8132 ± 0.0047', '0.5579']);
    expect(cells(html, '>test</td><td>accuracy')).toEqual(['test', 'accuracy', '0.8067 ± 0.0092', '0.4992']);
    expect(html).toContain('Of step 200, epoch 2, the best on the validation examples. val: 6,734 examples');
    expect(html).toContain('<span>accuracy, val</span><b>0.813 ± 0.005</b>');
    expect(html).toContain('<span>best epoch</span><b>2 of 3</b>');
    expect(html).toContain('classification of 2 classes · negative, positive · judged by accuracy');
  });

  test('has the confusion matrix with counts and shares of the row', () => {
    expect(cells(html, '<th>negative</th><td')).toEqual(['negative', '2,236', '75.1%', '741', '24.9%']);
    expect(html).toContain('<td class="right" style="--share:37.6%">2,236'); // half of 75.1
  });

  test('has the splits of the data', () => {
    const row = ['train', '60,615', '60,615', '806,180', '13.3', '10', '34', '70', '0', '3'];
    expect(cells(html, '>train<')).toEqual(row);
    expect(cells(html, '<td>negative</td>')).toEqual(['negative', '26,803 (44.2%)', '2,977 (44.2%)', '912 (50.1%)']);
    expect(html).toContain('32 examples per step');
  });

  test('draws validation by epoch with the baseline, the best marked, and task and LM loss', () => {
    expect(html).toContain('<title>accuracy: 0.813 at 2</title>');
    expect(html).toContain('<title>best: 0.813 at 2</title>');
    expect(html).toContain('majority: accuracy 0.5579');
    expect(html).toContain('<title>task, validation: 0.43 at 200</title>');
    for (const name of ['total', 'task', 'language model']) expect(html).toContain(`</i>${name}</span>`);
    expect(html).toContain('every class equally likely');
  });

  test('lists the confident errors, escaped', () => {
    expect(html).toContain('<b>positive</b> taken for <b>negative</b> · 99.9% sure · sst2/train.tsv:1200');
    expect(html).toContain('not &#60;b&#62;once&#60;/b&#62; does it come close to being exciting &#38; yet');
  });

  test('has nothing of pretraining, and needs nothing else', () => {
    for (const page of [html, reportHtml(scores)]) {
      expect(page.slice(page.indexOf('<main'))).not.toMatch(/perplexity|bits per byte|5-gram|Samples|held-out/i);
      expect(page).not.toMatch(/NaN|undefined|Infinity|null/);
      expect(page).not.toMatch(/<script|<link|<img|https?:|url\(|@import/);
    }
  });

  test('a score: dots instead of the matrix, errors by size', () => {
    const page = reportHtml(scores);
    expect(page).toContain('<title>predicted by gold score, val</title>');
    expect(page).toContain('>The largest errors</h2>');
    expect(page).toContain('<b>4.8</b> taken for <b>1.32</b> · off by 3.480');
    expect(page).toContain('Task: the mean squared error');
    expect(page).not.toMatch(/confusion"|equally likely|<h3 class="table">Classes/);
  });

  test('escapes labels, files and names', () => {
    const evil = `<script>alert("1")</script>&'`;
    const task = {
      ...classesTask,
      form: evil,
      labels: [evil, evil],
      format: evil,
      metric: evil,
      baseline: { name: evil, metrics: { [evil]: 0.5 } },
      splits: classesTask.splits.map((s) => ({ ...s, files: [evil], classes: { [evil]: 1 } })),
    };
    const val: EvalEvent = {
      ...classesVal,
      best: true,
      name: evil,
      metrics: { [evil]: { value: 1, n: 2 } },
      confusion: { labels: [evil, evil], counts: classesVal.confusion!.counts },
      errors: [{ place: evil, text: evil, gold: evil, predicted: evil, confidence: 1 }],
    };
    const page = reportHtml(read([taskStart(task), val, { ...val, name: 'val' }]));
    expect(page).not.toContain('<script');
    expect(page).not.toContain(evil);
    expect(page.split('&#60;script&#62;').length).toBeGreaterThan(24);
  });

  test('a run that has just begun, without a configuration', () => {
    const start = { ...taskStart({ ...scoreTask, splits: [], lm_coef: 0 }), config: {} };
    const page = reportHtml(read([start]));
    expect(page).toContain('nothing recorded yet');
    expect(page).toContain('no auxiliary LM loss');
    expect(page).not.toContain('total =');
    expect(reportHtml(read([{ ...start, config: null }]))).toContain('nothing recorded yet');
    expect(page).not.toMatch(/NaN|undefined|Infinity|null/);
  });

  test('metrics that are not finite, an empty class and one epoch do no harm', () => {
    const nan = { ...classesVal, best: true, loss: Number.NaN, metrics: { accuracy: { value: Number.NaN } } };
    const counts = [
      [0, 0],
      [3, 4],
    ];
    const page = reportHtml(read([taskStart(classesTask), { ...nan, confusion: { labels: ['a', 'b'], counts } }]));
    expect(page).toContain('0<small>-</small>');
    expect(page).not.toMatch(/--share:NaN/);
  });
});

describe('scatterChart', () => {
  const options = { label: 'l', x: 'gold', y: 'predicted', size: 460 };

  test('both axes have one range: equal scores lie on the diagonal', () => {
    const svg = scatterChart([...scoreVal.scatter!, [-1, -1], [7, 7]], options);
    const cloud = /class="cloud" d="([^"]*)"/.exec(svg)?.[1] ?? '';
    const dots = [...cloud.matchAll(/M([\d.]+) ([\d.]+)h0/g)].map((m) => [Number(m[1]), Number(m[2])] as const);
    expect(dots.length).toBe(152);
    const [x, y] = dots.at(-1)!;
    const [left, bottom, right, top] = (/class="ref" d="M(\d+) (\d+)L(\d+) (\d+)"/.exec(svg) ?? [])
      .slice(1)
      .map(Number);
    expect((x - left!) / (right! - left!)).toBeCloseTo((bottom! - y) / (bottom! - top!), 2);
  });

  test('of very many dots some, of none a sentence', () => {
    const many = Array.from({ length: 50_000 }, (_, i): [number, number] => [i % 5, i % 7]);
    expect(scatterChart(many, options).length).toBeLessThan(60_000);
    expect(scatterChart([[Number.NaN, 1]], options)).toContain('nothing recorded yet');
    expect(scatterChart([[2, 2]], options)).not.toContain('NaN');
  });
});
