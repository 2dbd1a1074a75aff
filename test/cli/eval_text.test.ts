// Terminal text of an evaluation: the plot of --plot, and the lines below the table.

import { describe, expect, test } from 'vitest';
import { figuresOf, type Panel } from '../../src/base/eval_figures.js';
import type { EvalRecord } from '../../src/base/eval_record.js';
import { painter } from '../../src/cli/block.js';
import { evalEnd, evalPlot } from '../../src/cli/eval_text.js';
import { fakeEval, fakeEvalOf, fakeGroupEval } from '../report/fake_eval.js';

const plain = { columns: 90, paint: painter(false) };
const record = fakeEval();
const { by_shots, by_size } = figuresOf(record);
const plotted = (panel: Panel, unicode = true, columns = 90) =>
  evalPlot(panel, { ...plain, columns, unicode }).split('\n');

/** Places of a sign in the plot, as [row, column], rows from the top. */
function places(lines: readonly string[], sign: string): [number, number][] {
  return lines.slice(1, 14).flatMap((line, r) => {
    const cells = [...line.slice(9)];
    return cells.flatMap((cell, c): [number, number][] => (cell === sign ? [[r, c]] : []));
  });
}

describe('plot', () => {
  test('markers stand at the rows of their values and the columns of their ticks', () => {
    const panel = by_shots[0]!;
    const lines = plotted(panel);
    const [low, high] = [1, 13].map((i) => Number(lines[14 - i]!.slice(0, 7)));
    for (const [sign, name] of [
      ['●', 'icl-tiny'],
      ['■', 'icl-small'],
      ['▲', 'icl-medium'],
    ] as const) {
      const { points } = panel.lines.find((l) => l.role === 'mean' && l.name === name)!;
      const found = places(lines, sign).sort((a, b) => a[1] - b[1]);
      expect(found.length).toBe(3);
      for (const [i, [r]] of found.entries()) {
        const value = high! - (r / 12) * (high! - low!);
        expect(Math.abs(value - points[i]!.y)).toBeLessThan((high! - low!) / 24 + 0.006); // half a row, two decimals
      }
    }
    const ticks = [...lines[14]!].flatMap((cell, c) => (cell === '┴' ? [c - 9] : []));
    expect(
      places(lines, '■')
        .map(([, c]) => c)
        .sort((a, b) => a - b),
    ).toEqual(ticks);
    expect(lines[15]!.trim().split(/ +/)).toEqual(['0', '1', 'few']);
    expect(lines[16]!.trim()).toBe('K 10-30');
  });

  test('errors are bars, chance is dashed, values stand in the key', () => {
    const panel = by_shots.find((p) => p.task === 'rte')!;
    const lines = plotted(panel);
    expect(lines[0]).toBe('rte, acc, by number of shots  ± one standard error  - - chance 0.5');
    const [, ...more] = places(lines, '▲');
    expect(more.length).toBe(2);
    const [r, c] = places(lines, '▲')[0]!;
    const bar = places(lines, '│').filter(([row, column]) => column === c && Math.abs(row - r) < 9);
    expect(bar.length).toBeGreaterThanOrEqual(6); // 0.06 of about 0.093, in 13 rows
    const dashes = places(lines, '-').map(([row]) => row);
    expect(new Set(dashes).size).toBe(1);
    expect(lines.find((line) => line.includes('▲ icl'))!.trim()).toBe('▲ icl-medium  0.531 ± 0.030');
  });

  test('by size: a line per setting over the models', () => {
    const lines = plotted(by_size[0]!);
    expect(lines[15]!.trim().split(/ +/)).toEqual(['312k', '1.05M', '3.24M']);
    expect(lines.at(-2)).toContain('▲ few-shot (K 10-30)  0.642');
  });

  test('of one model: the mean and its tasks', () => {
    const lines = plotted(figuresOf(fakeEvalOf(2)).by_shots[0]!);
    expect(lines.slice(17, 22).map((line) => line.trim().split(/ +/)[1])).toEqual([
      'mean',
      'rte',
      'sst2',
      'piqa',
      'anagrams',
    ]);
  });

  test('where there is no terminal, nothing but ASCII in the drawing', () => {
    const lines = plotted(by_shots[0]!, false);
    expect(lines.slice(1).join('\n').replaceAll('±', '')).toMatch(/^[\n -~]*$/);
    expect(places(lines, '#').length).toBe(3);
  });

  test('fits the terminal', () => {
    for (const panel of [...by_shots, ...by_size, ...figuresOf(fakeGroupEval()).by_shots]) {
      for (const columns of [40, 60, 200]) {
        const lines = plotted(panel, true, columns);
        expect(Math.max(...lines.slice(1, 17).map((line) => line.length))).toBeLessThan(columns);
        expect(lines.join('')).not.toMatch(/NaN|undefined/);
      }
    }
  });

  test('equal values, and values without errors', () => {
    const flat = record.runs.map((r) => ({ ...r, metrics: [{ ...r.metrics[0]!, value: 0.5, stderr: null }] }));
    const lines = plotted(figuresOf({ ...record, runs: flat }).by_shots[1]!);
    expect(lines.join('')).not.toMatch(/NaN|│{2}/);
    expect(places(lines, '●').length).toBe(3);
  });
});

describe('below the table', () => {
  const end = (r: EvalRecord, options = {}) => evalEnd(r, { ...plain, ...options }).split('\n');
  const lineOf = (lines: readonly string[], label: string) => lines.find((l) => l.startsWith(label))?.slice(9);

  test('baselines, what is about chance, real shots, notes, totals, files', () => {
    const lines = end(record, { files: { report: 'results/icl/report.html' } });
    expect(lineOf(lines, 'chance')).toBe('rte 0.5 · sst2 0.5 · piqa 0.5');
    expect(lineOf(lines, 'majority')).toBe('rte 0.5271 · sst2 0.5092 · piqa 0.505');
    expect(lineOf(lines, '≈ chance')).toBe('rte · piqa icl-tiny 0, 1');
    expect(lineOf(lines, 'few')).toBe('rte K 10 · sst2 K 12-24 · piqa K 10-16 · anagrams K 14-30');
    expect(lineOf(lines, 'note')).toBe(record.notes[0]);
    expect(lineOf(lines, 'total')).toBe(
      '4 tasks · 3,487 docs · 58,266 requests · 2m41s · 362 requests/s · 63 truncated',
    );
    expect(lineOf(lines, 'report')).toBe('results/icl/report.html');
  });

  test('shots that were reduced are told, shots that were kept are not', () => {
    const runs = record.runs.map((r) => (r.asked === '1' && r.task === 'rte' ? { ...r, asked: '20', shots: 7 } : r));
    const lines = end({ ...record, runs });
    expect(lineOf(lines, '20')).toBe('rte K 7');
    expect(lineOf(lines, '0')).toBeUndefined();
  });

  test('the next command: more shots after one setting, else the prompts', () => {
    const zero = { ...record, runs: record.runs.filter((r) => r.asked === '0') };
    expect(lineOf(end(zero, { columns: 300, program: 'node bin/gpt.js' }), 'next')).toBe(
      'node bin/gpt.js eval checkpoints/icl-tiny checkpoints/icl-small checkpoints/icl-medium --tasks rte,sst2,piqa,anagrams --shots 0,1,few --plot',
    );
    expect(lineOf(end(record), 'next')).toBe('gpt tasks show rte --shots 1');
    expect(lineOf(end(fakeGroupEval()), 'next')).toBe('gpt tasks show sst2 --shots 1');
  });

  test('many tasks are cut short, control characters do not reach the terminal', () => {
    const runs = Array.from({ length: 40 }, (_, i) => ({ ...record.runs[0]!, task: `t${i}\x1b[2J`, alias: 'x' }));
    const text = evalEnd({ ...record, runs, notes: ['a\x07b'] }, plain);
    expect(text).toContain('and 28 more');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  test('nothing measured', () => {
    expect(lineOf(end({ ...record, runs: [] }), 'total')).toContain('0 tasks · 0 docs · 0 requests');
  });
});
