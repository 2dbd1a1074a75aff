// report.html of an evaluation: the points that it draws are those of report.json, and the rest of the page.

import { describe, expect, test } from 'vitest';
import type { EvalFigures, Panel } from '../../src/base/eval_figures.js';
import type { EvalRecord, TaskRun } from '../../src/base/eval_record.js';
import { jsonText } from '../../src/base/json.js';
import { figureSvg } from '../../src/report/eval/figure.js';
import { lookOf } from '../../src/report/eval/look.js';
import { evalReportHtml, evalReportJson } from '../../src/report/eval/report.js';
import { type DrawnPlot, placeOn, plotsIn } from './drawn.js';
import { fakeEval, fakeEvalOf, fakeGroupEval } from './fake_eval.js';

const record = fakeEval();
const html = evalReportHtml(record);
const figuresIn = (r: EvalRecord) => (JSON.parse(jsonText(evalReportJson(r))) as { figures: EvalFigures }).figures;

/** Cells of the first table row with this beginning. */
const cells = (page: string, beginning: string) =>
  page
    .split('\n')
    .find((line) => line.includes('<tr') && line.includes(beginning))
    ?.split(/<\/t[dh]>/)
    .map((cell) => cell.replace(/<[^>]*>/g, ''))
    .slice(0, -1);

const close = (a: number, b: number) => Math.abs(a - b) <= 0.006; // pixels are written to hundredths

/** Fails where the plot differs from the panel: names, values, and places of all that is drawn. */
function expectDrawn(plot: DrawnPlot, panel: Panel): void {
  expect(plot.x.scale).toBe(panel.x);
  expect(plot.lines.map((l) => l.name)).toEqual(panel.lines.map((l) => l.name));
  for (const [i, line] of panel.lines.entries()) {
    const drawn = plot.lines[i]!;
    expect(drawn.classes.split(' ').slice(0, 2)).toEqual([lookOf(line.style).className, line.role]);
    expect(drawn.points.map(({ x, y, stderr }) => ({ x, y, stderr }))).toEqual(
      line.points.map(({ x, y, stderr }) => ({ x, y, stderr })),
    );
    const places = line.points.map((p) => [placeOn(plot.x, p.x), placeOn(plot.y, p.y)] as const);
    const off = (found: readonly (readonly [number, number])[], wanted: typeof places) =>
      found.filter(([x, y], k) => !(close(x, wanted[k]![0]) && close(y, wanted[k]![1])));
    expect(
      off(
        drawn.points.map((p) => p.at),
        places,
      ),
    ).toEqual([]);
    expect(drawn.curve.length).toBe(line.points.length > 1 ? line.points.length : 0);
    expect(off(drawn.curve, places)).toEqual([]);
    if (line.role === 'task' || line.points.some((p) => p.stderr === null)) continue;
    const edge = (sign: 1 | -1) =>
      line.points.map((p) => [placeOn(plot.x, p.x), placeOn(plot.y, p.y + sign * p.stderr!)] as const);
    const [band] = drawn.bands;
    expect(band!.length).toBe(2 * line.points.length);
    expect(off(band!, [...edge(1), ...edge(-1).reverse()])).toEqual([]);
  }
  if (panel.chance === null) expect(plot.chance).toBeNull();
  else expect(close(plot.chance!, placeOn(plot.y, panel.chance))).toBe(true);
  expectAxes(plot, panel);
}

/** The numbers beside the axes stand where the axes say, and everything is inside. */
function expectAxes(plot: DrawnPlot, panel: Panel): void {
  const beside = plot.texts.filter((t) => t.x === plot.x.start - 7);
  expect(beside.length).toBeGreaterThan(1);
  for (const { y, text } of beside) {
    const value = Number(text.replace(/[kMBT]$/, (unit) => `e${3 * ('kMBT'.indexOf(unit) + 1)}`));
    expect(Math.abs(y - 4 - placeOn(plot.y, value)), `${text} on the y axis`).toBeLessThan(0.02);
  }
  const below = plot.texts.filter((t) => Math.abs(t.y - (plot.y.start + 17)) < 0.01);
  for (const { x, text } of below) {
    const tick = panel.ticks.find((t) => t.label === text)!;
    const moved = Math.abs(x - placeOn(plot.x, tick.x));
    expect(moved, `${text} on the x axis`).toBeLessThan(x > plot.width - 60 ? 30 : 0.02); // at the edge it moves inwards
  }
  expect(below.map((t) => t.text)).toContain(panel.ticks[0]!.label);
  for (const { at } of plot.lines.flatMap((l) => l.points)) {
    expect(at[0] > plot.x.start && at[0] < plot.x.end && at[1] >= plot.y.end && at[1] <= plot.y.start).toBe(true);
  }
}

describe('the drawn points are those of report.json', () => {
  const grouped = fakeGroupEval();
  const oneK = { ...record, runs: record.runs.map((r) => (r.asked === 'few' ? { ...r, shots: 10 } : r)) };
  const both = [...record.runs, ...record.runs.map((r) => ({ ...r, protocol: 'gpt3' as const }))];
  const wide = grouped.runs.map((r) =>
    r.task === 'held_out' ? { ...r, metrics: r.metrics.map((m) => ({ ...m, value: m.value ** r.shots + 1 })) } : r,
  );
  test.each([
    ['three models', record],
    ['one model', fakeEvalOf(1)],
    ['a group and a perplexity', grouped],
    ['a perplexity of many magnitudes', { ...grouped, runs: wide }],
    ['one K', oneK],
    ['two protocols', { ...record, runs: both }],
    ['one task', { ...record, runs: record.runs.filter((r) => r.task === 'sst2') }],
    [
      'no errors',
      { ...record, runs: record.runs.map((r) => ({ ...r, metrics: [{ ...r.metrics[0]!, stderr: null }] })) },
    ],
  ])('%s', (_name, r) => {
    const { by_shots, by_size } = figuresIn(r);
    const plots = plotsIn(evalReportHtml(r));
    expect(new Set(plots.map((p) => p.id)).size).toBe(plots.length);
    let drawn = 0;
    for (const [name, panels] of [['by_shots', by_shots] as const, ['by_size', by_size] as const]) {
      for (const protocol of ['harness', 'gpt3']) {
        const own = panels.filter((p) => p.protocol === protocol);
        const large = own[0] !== undefined && (own[0].task === null || own.length === 1);
        for (const [i, panel] of own.entries()) {
          const ids = large && i === 0 ? ['big', 'small'] : [String(large ? i - 1 : i)];
          for (const id of ids) {
            expectDrawn(plots.find((p) => p.id === `${name}-${protocol}-${id}`)!, panel);
            drawn++;
          }
        }
      }
    }
    expect(drawn).toBe(plots.length);
    expect(drawn).toBeGreaterThan(1);
  });

  test('report.json is the record with the figures', () => {
    const { figures, ...rest } = evalReportJson(record);
    expect(rest).toEqual(record);
    expect(figures.by_shots.length + figures.by_size.length).toBe(10);
  });

  test('a point tells its value, and where it stands', () => {
    const [mean] = plotsIn(html);
    const point = mean!.lines.find((l) => l.name === 'icl-small')!.points[2]!;
    expect(point.title).toBe('icl-small: 0.5454 ± 0.0105 at few (K 10-30)');
    expect(html).toContain('icl-small: 0.4357 ± 0.0097 at 0; ');
  });
});

describe('an axis', () => {
  test('of K has a place for 0, and equal steps for equal ratios of K + 1', () => {
    const plot = plotsIn(html).find((p) => p.id === 'by_shots-harness-0')!;
    const at = (k: number) => placeOn(plot.x, k);
    expect(at(3) - at(1)).toBeCloseTo(at(1) - at(0), 9);
    expect(at(0)).toBeGreaterThan(plot.x.start);
  });

  test('of accuracy spans a tenth at least and never leaves [0, 1]', () => {
    const runs = record.runs.map((r) => ({ ...r, chance: null, metrics: [{ ...r.metrics[0]!, value: 0.99 }] }));
    for (const { y } of plotsIn(evalReportHtml({ ...record, runs }))) {
      expect([y.to - y.from > 0.05, y.from >= 0, y.to]).toEqual([true, true, 1]);
    }
  });

  test('keeps texts apart and inside', () => {
    const shots = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 30, 31, 32];
    const [run] = record.runs;
    const runs = shots.map((k): TaskRun => ({ ...run!, asked: String(k), shots: k }));
    const name = 'a-name-of-a-model-that-is-far-too-long-for-a-tick';
    const models = record.models.map((m) => ({ ...m, name: `${name}-${m.name}` }));
    const all = [...plotsIn(evalReportHtml({ ...record, runs })), ...plotsIn(evalReportHtml({ ...record, models }))];
    for (const plot of all) {
      for (const row of [17, 31]) {
        const texts = plot.texts.filter((t) => Math.abs(t.y - plot.y.start - row) < 0.01 && t.text !== '');
        const ends = texts.map((t) => [t.x - 3 * t.text.length, t.x + 3 * t.text.length] as const);
        for (const [i, [start, end]] of ends.entries()) {
          if (i > 0) expect(start).toBeGreaterThan(ends[i - 1]![1]);
          if (texts[i]!.text.length < 40) expect(start >= 0 && end <= plot.width).toBe(true);
        }
      }
    }
  });
});

describe('report.html', () => {
  test('begins with what was evaluated and what it took', () => {
    expect(html).toContain('<h1>Evaluation of icl-tiny, icl-small, icl-medium</h1>');
    expect(cells(html, 'icl-medium</td><td class="n">3,236,096')).toEqual([
      'icl-medium',
      '3,236,096',
      '512',
      '4,000',
      'checkpoints/icl-medium',
    ]);
    for (const [name, value] of [
      ['tasks', '4'],
      ['documents', '3,487'],
      ['requests', '58,266'],
      ['time', '2m41s'],
      ['requests per second', '362'],
      ['truncated prompts', '63'],
    ]) {
      expect(html).toContain(`<span>${name}</span><b>${value}</b>`);
    }
    expect(evalReportHtml(fakeEvalOf(1))).toContain('<span>parameters</span><b>1.05M</b>');
  });

  test('has a table of headlines with what is about chance, and means', () => {
    expect(cells(html, '>rte</td><td class="w">acc')).toEqual([
      'rte',
      'acc ↑',
      'icl-tiny',
      '0.520 ± 0.030 ≈ chance',
      '0.513 ± 0.030 ≈ chance',
      '0.509 ± 0.030 ≈ chance',
    ]);
    expect(cells(html, 'mean of 4 tasks')).toEqual([
      'mean of 4 tasks',
      'accuracy ↑',
      'icl-tiny',
      '0.407 ± 0.009',
      '0.429 ± 0.010',
      '0.449 ± 0.010',
    ]);
    expect(html).toContain('<th scope="col" class="n">few-shot (K 10-30)</th>');
  });

  test('has a table per task with baselines, truncated prompts and overlap', () => {
    const [, ofRte = ''] = html.split('<h3 class="table">rte</h3>');
    expect(cells(ofRte, 'few-shot (K 10)')).toEqual([
      '',
      'few-shot (K 10)',
      'acc ↑',
      '0.5090 ± 0.0301 ≈ chance',
      '0.5000',
      '0.5271',
      '277',
      '31',
    ]);
    const [, ofPiqa = ''] = html.split('<h3 class="table">piqa</h3>');
    expect(cells(ofPiqa, 'zero-shot')).toEqual([
      'icl-tiny',
      'zero-shot',
      'acc ↑',
      '0.5158 ± 0.0117 ≈ chance',
      '0.5000',
      '0.5050',
      '1,838',
      '0',
      '13',
      '112 (6.1%)',
      '0.5118',
      '-0.0040',
    ]);
    expect(cells(ofPiqa, 'acc_norm')).toEqual([
      '',
      '',
      'acc_norm ↑',
      '0.5078 ± 0.0117',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
    ]);
    expect(html).toContain('harness protocol · version 1.0 · 1,838 documents');
  });

  test('shows prompts with spaces kept, escaped, judged', () => {
    expect(html).toContain('<summary>18 prompts with their answers</summary>');
    expect(html).toContain(
      'sst2: &#60;b&#62;bold&#60;/b&#62; &#38; &#34;quotes&#34;\n\n  indented\ttab\nAnswer:</pre>',
    );
    expect(html).toContain('<b class="wrong">✗ wrong</b>');
    expect(html).toContain('<p class="part">answer of the model</p><pre> True</pre>');
    const grouped = evalReportHtml(fakeGroupEval());
    expect(grouped).toContain('<pre> upon a time</pre>');
    expect(grouped).toContain('<pre><i>empty</i></pre>');
  });

  test('warns of notes, and of what does not compare', () => {
    expect(html).toContain('rte: 52 of 2,493 prompts did not fit');
    const runs = record.runs.map((r) => (r.task === 'sst2' && r.model === 1 ? { ...r, docs: 100, version: '2.0' } : r));
    const page = evalReportHtml({ ...record, runs });
    expect(page).toContain(
      'sst2 was measured on different numbers of documents, which do not compare: 872 (icl-tiny, icl-medium) and 100 (icl-small)',
    );
    expect(page).toContain('sst2 was measured on different versions');
    expect(html).not.toContain('do not compare');
  });

  test('explains the metrics of this page alone', () => {
    expect(html).toContain('<th scope="row">exact_match</th>');
    expect(html).not.toContain('<th scope="row">word_perplexity</th>');
    expect(evalReportHtml(fakeGroupEval())).toContain('<th scope="row">word_perplexity</th>');
  });

  test('with one setting of --shots says how to come to a figure', () => {
    const page = evalReportHtml({ ...record, runs: record.runs.filter((r) => r.asked === '0') });
    expect(page).toContain('<code>--shots 0,1,few</code>');
    expect(page).not.toContain('by number of shots</h2>');
    expect(page).toContain('<h2>Accuracy by model size</h2>');
    expect(html).not.toContain('<code>--shots');
  });

  test('many members of a group and many tasks are folded', () => {
    const tasks = Array.from({ length: 30 }, (_, i) => `task_${i}`);
    const runs = tasks.flatMap((task) =>
      record.runs.filter((r) => r.task === 'sst2').map((r): TaskRun => ({ ...r, task, alias: task })),
    );
    expect(evalReportHtml({ ...record, runs })).toContain('<summary>18 more tasks</summary>');
    const group = record.runs
      .filter((r) => r.task === 'rte')
      .map((r): TaskRun => ({ ...r, task: 'all', alias: 'all', members: tasks }));
    const page = evalReportHtml({ ...record, runs: [...group, ...runs] });
    expect(page).toContain('<summary>30 tasks of all</summary>');
    expect(page.match(/<h3 class="table">/g)!.length).toBe(31);
  });

  test('needs nothing else, and writes no value that is none', () => {
    const odd = record.runs.map((r, i) => ({
      ...r,
      metrics: r.metrics.map((m) => ({ ...m, value: i % 3 === 0 ? Number.NaN : m.value })),
    }));
    for (const r of [record, fakeEvalOf(0), fakeGroupEval(), { ...record, runs: [] }, { ...record, runs: odd }]) {
      const page = evalReportHtml(r);
      expect(page).not.toMatch(/<script|<link|<img|https?:|url\(|@import|undefined|Infinity|null/);
      if (r.runs !== odd) expect(page).not.toContain('NaN');
      for (const svg of page.match(/<svg[\s\S]*?<\/svg>/g) ?? []) expect(svg).not.toContain('NaN');
    }
  });

  test('escapes every text', () => {
    const evil = `<script>alert("1")</script>&'`;
    const runs = record.runs.map((r) => ({
      ...r,
      task: evil + r.task,
      alias: evil,
      version: evil,
      asked: r.asked === 'few' ? evil : r.asked,
      metrics: [{ ...r.metrics[0]!, filter: evil }],
      examples: [{ prompt: evil, answer: evil, target: evil, right: null }],
    }));
    const models = record.models.map((m) => ({ ...m, name: evil + m.name, dir: evil }));
    const all = { ...record, runs, models, command: evil, backend: evil, gpt: evil, date: evil, notes: [evil] };
    const page = evalReportHtml(all);
    expect(page).not.toContain('<script');
    expect(page).not.toContain(evil);
    expect(page.split('&#60;script&#62;').length).toBeGreaterThan(200);
    expect(figureSvg(all, 'by_shots', { tasks: true })).not.toContain('<script');
  });
});

describe('a figure as a file', () => {
  test('has the points of report.json; with tasks, every panel', () => {
    for (const name of ['by_shots', 'by_size'] as const) {
      const panels = figuresIn(record)[name];
      const one = plotsIn(inner(figureSvg(record, name)!));
      expect(one.length).toBe(1);
      expectDrawn(one[0]!, panels[0]!);
      const all = plotsIn(inner(figureSvg(record, name, { tasks: true })!));
      expect(all.length).toBe(5);
      for (const [i, plot] of all.entries()) expectDrawn(plot, panels[i]!);
    }
  });

  test('is well-formed XML that needs nothing else', () => {
    const svg = figureSvg(record, 'by_shots', { tasks: true })!;
    expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 ')).toBe(true);
    const open: string[] = [];
    for (const [, end, name, rest] of svg.matchAll(/<(\/?)([a-z]+)((?:\s[\w:-]+="[^"<]*")*\s*\/?)>/g)) {
      if (end === '/') expect(open.pop()).toBe(name);
      else if (!rest!.endsWith('/')) open.push(name!);
    }
    expect(open).toEqual([]);
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|<script|NaN|undefined/);
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  test('a record without the figure has no file', () => {
    expect(figureSvg(fakeEvalOf(0), 'by_size')).toBeNull();
  });
});

/** Without the outer <svg>. */
const inner = (svg: string): string => svg.slice(svg.indexOf('>') + 1, svg.lastIndexOf('</svg>'));
