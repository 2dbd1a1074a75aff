// The points of the figures: which tasks, which K, which mean.

import { describe, expect, test } from 'vitest';
import { figuresOf, type Panel } from '../../src/base/eval_figures.js';
import type { EvalRecord } from '../../src/base/eval_record.js';
import { aboutChance, shotsText, totalsOf } from '../../src/base/eval_scores.js';
import { fakeEval, fakeEvalOf, fakeGroupEval, models } from './fake_eval.js';

const record = fakeEval();
const headline = ({ runs }: EvalRecord, task: string, model: number, asked: string) =>
  runs.find((r) => r.task === task && r.model === model && r.asked === asked)!.metrics[0]!;
const line = (panel: Panel, name: string) => panel.lines.find((l) => l.name === name)!;
const titles = (panels: readonly Panel[]) => panels.map((p) => p.title);

describe('by shots', () => {
  const { by_shots } = figuresOf(record);

  test('the mean first, then each task with a line per model at its real K', () => {
    expect(titles(by_shots)).toEqual(['mean of 4 tasks', 'rte', 'sst2', 'piqa', 'anagrams']);
    const sst2 = by_shots[2]!;
    expect(sst2.x).toBe('shots');
    expect(sst2.chance).toBe(0.5);
    expect(sst2.lines.map((l) => [l.name, l.role, l.style])).toEqual(models.map((m, i) => [m.name, 'single', i]));
    expect(line(sst2, 'icl-small').points.map((p) => p.x)).toEqual([0, 1, 12]);
    expect(line(sst2, 'icl-medium').points.map((p) => p.x)).toEqual([0, 1, 24]);
    const { value, stderr } = headline(record, 'sst2', 2, 'few');
    expect(line(sst2, 'icl-medium').points[2]).toEqual({
      x: 24,
      y: value,
      stderr,
      model: 2,
      asked: 'few',
      k: [24, 24],
    });
    expect(sst2.ticks).toEqual([
      { x: 0, label: '0', detail: '' },
      { x: 1, label: '1', detail: '' },
      { x: 12, label: '12', detail: 'few' },
      { x: 24, label: '24', detail: 'few' },
    ]);
  });

  test('a mean over different K has an axis of settings that tells the range', () => {
    const mean = by_shots[0]!;
    expect(mean.x).toBe('asked');
    expect(mean.ticks).toEqual([
      { x: 0, label: '0', detail: '' },
      { x: 1, label: '1', detail: '' },
      { x: 2, label: 'few', detail: 'K 10-30' },
    ]);
    expect(mean.chance).toBeNull(); // anagrams has none
    const scores = mean.tasks.map((task) => headline(record, task, 1, 'few'));
    const point = mean.lines.find((l) => l.role === 'mean' && l.name === 'icl-small')!.points[2]!;
    expect(point.k).toEqual([10, 14]);
    expect(point.y).toBeCloseTo(scores.reduce((sum, s) => sum + s.value, 0) / 4, 14);
    expect(point.stderr).toBeCloseTo(Math.hypot(...scores.map((s) => s.stderr!)) / 4, 14);
    expect(mean.lines.filter((l) => l.role === 'task').length).toBe(12);
  });

  test('a mean over one K has K on its axis', () => {
    const runs = record.runs.map((r) => (r.asked === 'few' ? { ...r, shots: 10 } : r));
    const mean = figuresOf({ ...record, runs }).by_shots[0]!;
    expect(mean.x).toBe('shots');
    expect(mean.ticks.map((t) => [t.x, t.label, t.detail])).toEqual([
      [0, '0', ''],
      [1, '1', ''],
      [10, '10', 'few'],
    ]);
    expect(mean.lines[0]!.points.map((p) => p.x)).toEqual([0, 1, 10]);
  });

  test('of one model: tasks differ by style, the mean has the colour of text', () => {
    const [mean, ...rest] = figuresOf(fakeEvalOf(2)).by_shots;
    expect(mean!.lines.map((l) => [l.name, l.role, l.style])).toEqual([
      ['rte', 'task', 0],
      ['sst2', 'task', 1],
      ['piqa', 'task', 2],
      ['anagrams', 'task', 3],
      ['mean', 'mean', null],
    ]);
    expect(rest.map((p) => p.lines.map((l) => l.style))).toEqual([[0], [1], [2], [3]]);
  });

  test('one setting of --shots is no curve', () => {
    const runs = record.runs.filter((r) => r.asked === '0');
    expect(figuresOf({ ...record, runs }).by_shots).toEqual([]);
    expect(titles(figuresOf({ ...record, runs }).by_size)[0]).toBe('mean of 4 tasks');
  });

  test('a task whose file fixes 0 shots has one point for all settings, and still counts in the mean', () => {
    const runs = record.runs.map((r) => (r.task === 'rte' ? { ...r, shots: 0 } : r));
    const figures = figuresOf({ ...record, runs });
    expect(titles(figures.by_shots)).toEqual(['mean of 4 tasks', 'sst2', 'piqa', 'anagrams']);
    expect(figures.by_shots[0]!.ticks[2]).toEqual({ x: 2, label: 'few', detail: 'K 0-30' });
    const rte = figures.by_size.find((p) => p.task === 'rte')!;
    expect(rte.lines.map((l) => l.name)).toEqual(['zero-shot', 'one-shot (K 0)', 'few-shot (K 0)']);
  });

  test('settings that came to the same K are one point', () => {
    const runs = record.runs.map((r) => (r.asked === 'few' ? { ...r, shots: 1 } : r));
    const rte = figuresOf({ ...record, runs }).by_shots[1]!;
    expect(rte.lines[0]!.points.map((p) => [p.x, p.asked])).toEqual([
      [0, '0'],
      [1, '1, few'],
    ]);
  });
});

describe('by size', () => {
  const { by_size } = figuresOf(record);

  test('a line per setting over the number of parameters', () => {
    expect(titles(by_size)).toEqual(['mean of 4 tasks', 'rte', 'sst2', 'piqa', 'anagrams']);
    const mean = by_size[0]!;
    expect(mean.x).toBe('parameters');
    expect(mean.lines.filter((l) => l.role === 'mean').map((l) => [l.name, l.style])).toEqual([
      ['zero-shot', 0],
      ['one-shot', 1],
      ['few-shot (K 10-30)', 2],
    ]);
    expect(mean.ticks).toEqual([
      { x: 312_448, label: '312k', detail: 'icl-tiny' },
      { x: 1_054_720, label: '1.05M', detail: 'icl-small' },
      { x: 3_236_096, label: '3.24M', detail: 'icl-medium' },
    ]);
    expect(line(by_size[1]!, 'few-shot (K 10)').points[1]!.y).toBe(headline(record, 'rte', 1, 'few').value);
  });

  test('one model, and models of one size, have none', () => {
    expect(figuresOf(fakeEvalOf(0)).by_size).toEqual([]);
    const alike = { ...record, models: record.models.map((m) => ({ ...m, parameters: 1000 })) };
    expect(figuresOf(alike).by_size).toEqual([]);
  });

  test('models in any order give lines from small to large', () => {
    const order = [2, 0, 1];
    const runs = record.runs.map((r) => ({ ...r, model: order.indexOf(r.model) }));
    const turned = figuresOf({ ...record, models: order.map((m) => models[m]!), runs }).by_size[0]!;
    const points = turned.lines.at(-1)!.points;
    expect(points.map((p) => p.x)).toEqual([312_448, 1_054_720, 3_236_096]);
    expect(points.map((p) => p.y)).toEqual(by_size[0]!.lines.at(-1)!.points.map((p) => p.y));
  });
});

describe('a mean is over the same tasks at every point', () => {
  test('a task that was not measured everywhere is left out and named', () => {
    const runs = record.runs.filter((r) => r.task !== 'rte' || r.model !== 1 || r.asked !== 'few');
    const { by_shots, by_size } = figuresOf({ ...record, runs });
    for (const panel of [by_shots[0]!, by_size[0]!]) {
      expect(panel.title).toBe('mean of 3 tasks');
      expect(panel.left_out).toEqual(['rte']);
      expect(panel.lines.some((l) => l.name.startsWith('rte'))).toBe(false);
    }
    expect(line(by_shots[1]!, 'icl-small').points.length).toBe(2); // what there is of it is in its own panel
  });

  test('settings of some tasks alone leave the mean to the settings of all', () => {
    const few = record.runs.filter((r) => r.task === 'rte' || r.task === 'sst2');
    const runs = [...few, ...few.filter((r) => r.task === 'rte' && r.asked === '0')].map((r, i) =>
      i >= few.length ? { ...r, asked: '5', shots: 5 } : r,
    );
    const mean = figuresOf({ ...record, runs }).by_shots[0]!;
    expect(mean.tasks).toEqual(['rte', 'sst2']);
    expect(mean.ticks.map((t) => t.label)).toEqual(['0', '1', 'few']);
  });

  test('nothing in common: no mean', () => {
    const runs = record.runs.filter((r) => (r.task === 'rte' ? r.asked === '0' : r.asked !== '0'));
    const kept = runs.filter((r) => r.task === 'rte' || r.task === 'sst2');
    expect(titles(figuresOf({ ...record, runs: kept }).by_shots)).toEqual(['sst2']);
  });

  test('protocols are not mixed', () => {
    const runs = [...record.runs, ...record.runs.map((r) => ({ ...r, protocol: 'gpt3' as const }))];
    const { by_shots } = figuresOf({ ...record, runs });
    expect(by_shots.map((p) => p.protocol)).toEqual([...Array(5).fill('harness'), ...Array(5).fill('gpt3')]);
    expect(by_shots[5]!.lines).toEqual(by_shots[0]!.lines);
  });
});

describe('groups and other metrics', () => {
  test('a group counts once; where it is all there is, its members do', () => {
    const grouped = fakeGroupEval();
    expect(titles(figuresOf(grouped).by_shots)).toEqual(['both', 'held_out']);
    const alone = { ...grouped, runs: grouped.runs.filter((r) => r.task !== 'held_out') };
    expect(titles(figuresOf(alone).by_shots)).toEqual(['mean of 2 tasks', 'sst2', 'piqa']);
  });

  test('perplexity has its own panel and no part in a mean', () => {
    const panel = figuresOf(fakeGroupEval()).by_shots[1]!;
    expect([panel.metric, panel.share, panel.chance]).toEqual(['word_perplexity', false, null]);
    expect(panel.lines[0]!.points.map((p) => [p.x, p.y])).toEqual([
      [0, 41.2],
      [1, 39.9],
      [8, 38.4],
    ]);
  });

  test('a share that is not the headline is drawn without the chance of the headline', () => {
    const runs = record.runs.map((r) => ({
      ...r,
      metrics: [{ metric: 'mcc', filter: 'none', value: 0.1, stderr: 0.1, higher_is_better: true }, ...r.metrics],
    }));
    const panel = figuresOf({ ...record, runs }).by_shots[1]!;
    expect([panel.metric, panel.chance]).toEqual(['acc', null]);
  });

  test('values that are not numbers leave gaps, errors that are none leave points without an error', () => {
    const runs = record.runs.map((r) => {
      const [m] = r.metrics;
      return r.asked === '1'
        ? { ...r, metrics: [{ ...m!, value: Number.NaN }] }
        : { ...r, metrics: [{ ...m!, stderr: null }] };
    });
    const { by_shots } = figuresOf({ ...record, runs });
    expect(by_shots[0]!.lines.at(-1)!.points.map((p) => [p.x, p.stderr])).toEqual([
      [0, null],
      [1, null],
    ]);
    expect(by_shots[0]!.ticks.map((t) => t.label)).toEqual(['0', 'few']);
  });
});

test('about chance: within two standard errors', () => {
  const run = record.runs[0]!;
  const at = (value: number, stderr: number | null) =>
    aboutChance({ ...run, chance: 0.5, metrics: [{ ...run.metrics[0]!, value, stderr }] });
  expect([at(0.5625, 0.03125), at(0.563, 0.03125), at(0.44, 0.03125), at(0.43, 0.03125), at(0.5, null)]).toEqual([
    true,
    false,
    true,
    false,
    false,
  ]);
  expect(aboutChance({ ...run, chance: null })).toBe(false);
});

test('totals count a document once, a group by its members, and every request', () => {
  const requests = 9 * (277 * 2 + 872 * 2 + 1838 * 2 + 500);
  expect(totalsOf(record)).toEqual({
    tasks: 4,
    docs: 277 + 872 + 1838 + 500,
    requests,
    truncated: 31 + 21 + 11,
    requests_per_s: requests / 161,
  });
  expect(totalsOf(fakeGroupEval())).toMatchObject({ tasks: 3, docs: 872 + 1838 + 60 });
});

test('names of shots', () => {
  expect(shotsText('0', [0, 0])).toBe('zero-shot');
  expect(shotsText('1', [1])).toBe('one-shot');
  expect(shotsText('5', [5])).toBe('5-shot');
  expect(shotsText('5', [3, 5])).toBe('5-shot (K 3-5)');
  expect(shotsText('few', [10])).toBe('few-shot (K 10)');
});
