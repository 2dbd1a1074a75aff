// The recipe of docs/in-context-learning.md, a short run of it: two of its models for a few steps, their tasks with no, one
// and as many demonstrations as fit, and a report whose two figures are what report.json says. That examples teach the
// models shows after thousands of steps only: the page has the numbers.

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EvalFigures } from '../../../src/base/eval_figures.js';
import type { EvalRecord } from '../../../src/base/eval_record.js';
import { placeOn, plotsIn } from '../../report/drawn.js';
import { BACKEND, type Ended, Workplace } from './gpt.js';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const place = new Workplace();
afterAll(() => place.remove());
let evaluated: Ended;

beforeAll(async () => {
  const generator = new URL('../../../data/generate_icl.mjs', import.meta.url).href;
  const { sequences } = (await import(generator)) as { sequences(count: number): string[] };
  const rows = sequences(400).map((text) => `${JSON.stringify({ text })}\n`);
  place.write('icl.jsonl', rows.join(''));
  const flags = ['--train.max_steps', '4', '--train.eval_tokens', '1344', '--backend', BACKEND];
  for (const size of ['small', 'medium']) {
    const config = `${REPOSITORY}/configs/icl/${size}.yaml`;
    const { code, stderr } = await place.gpt(['pretrain', config, '--data', 'icl.jsonl', '--out', size, ...flags]);
    expect(code, stderr).toBe(0);
  }
  const asked = ['--tasks', 'icl', '--shots', '0,1,few', '--limit', '2', '--plot', '--backend', BACKEND];
  evaluated = await place.gpt(['eval', 'small', 'medium', ...asked, '--out', 'report']);
}, 120_000);

test('prints a table for each model, and both plots', () => {
  const { code, stdout, stderr } = evaluated;
  expect(code, stderr).toBe(0);
  expect(stdout.match(/^\|icl +\|/gm)?.length).toBe(4); // of tasks and of groups, for two models
  expect(stdout).toContain('accuracy, mean of 4 tasks, by number of shots');
  expect(stdout).toContain('accuracy, mean of 4 tasks, by model size');
});

describe('the report', () => {
  test('has every task under both models with the demonstrations that fit, none of them cut', () => {
    const record = JSON.parse(place.read('report', 'report.json').toString()) as EvalRecord;
    const tasks = record.runs.filter(({ members }) => members === null);
    expect(tasks).toHaveLength(2 * 3 * 21);
    expect(new Set(tasks.map(({ asked, shots }) => `${asked} ${shots}`))).toEqual(new Set(['0 0', '1 1', 'few 8']));
    expect(tasks.every(({ truncated, docs }) => truncated === 0 && docs === 2)).toBe(true);
  });

  test('draws the two figures where report.json says', () => {
    const { figures } = JSON.parse(place.read('report', 'report.json').toString()) as { figures: EvalFigures };
    const plots = plotsIn(place.read('report', 'report.html').toString());
    const panels = [...figures.by_shots, ...figures.by_size];
    expect(panels.length).toBeGreaterThan(0);
    for (const panel of panels) {
      const of = panel.lines.flatMap(({ points }) => points.map(({ x, y }) => `${x} ${y}`)).sort();
      const drawn = plots.filter(({ lines }) => {
        const points = lines.flatMap((line) => line.points.map(({ x, y }) => `${x} ${y}`)).sort();
        return JSON.stringify(points) === JSON.stringify(of);
      });
      expect(drawn.length, panel.title).toBeGreaterThan(0);
    }
    for (const { x, y, lines } of plots) {
      for (const { at, ...point } of lines.flatMap(({ points }) => points)) {
        expect(at[0]).toBeCloseTo(placeOn(x, point.x), 1);
        expect(at[1]).toBeCloseTo(placeOn(y, point.y), 1);
      }
    }
  });
});
