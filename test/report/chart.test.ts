// Axes and lines of the charts.

import { describe, expect, test } from 'vitest';
import { type ChartOptions, escapeHtml, lineChart, thin } from '../../src/report/chart.js';
import { tick } from '../../src/report/numbers.js';
import { logTicks, ticks } from '../../src/report/scale.js';

describe('ticks', () => {
  test('round numbers within the range', () => {
    expect(ticks(0, 300, 6)).toEqual([0, 50, 100, 150, 200, 250, 300]);
    expect(ticks(0.94, 5.6, 5)).toEqual([1, 2, 3, 4, 5]);
    expect(ticks(0, 0.001, 4)).toEqual([0, 0.0005, 0.001]);
    expect(ticks(-0.3, 0.3, 3)).toEqual([-0.2, 0, 0.2]);
    expect(ticks(0.1, 0.7, 6)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]); // no 0.30000000000000004
    expect(ticks(2, 2, 5)).toEqual([2]);
  });

  test('whatever the range, they are few and within it', () => {
    const ranges = [
      [0, 1e-320],
      [1e-308, 2e-308],
      [-1e308, 1e308],
      [1e20, 1e20 + 16384], // beyond 2^53 steps from zero counting does not go on
      [2 ** 53, 2 ** 53 + 2],
      [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    ] as const;
    for (const [low, high] of ranges) {
      const found = ticks(low, high, 7);
      expect(found.length, `${low} to ${high}`).toBeLessThan(16);
      expect(found.filter((t) => !(t >= low && t <= high))).toEqual([]);
    }
  });

  test('of a logarithmic axis', () => {
    expect(logTicks(1, 10_000)).toEqual([1, 10, 100, 1000, 10_000]);
    expect(logTicks(1, 300)).toEqual([1, 10, 100]);
    expect(logTicks(0.4, 4)).toEqual([0.5, 1, 2]);
    // a margin may go beyond the numbers that there are
    expect(logTicks(1e306, Number.POSITIVE_INFINITY)).toEqual([1e306, 1e307, 1e308]);
    expect(logTicks(0, 1e-321)).toEqual([1e-323, 1e-322, 1e-321]);
  });
});

test('thinning keeps the ends of the range and the order', () => {
  const points = Array.from({ length: 20_000 }, (_, i) => [i, i === 7777 ? 99 : Math.sin(i)] as const);
  const few = thin(points);
  expect(few.length).toBeLessThan(600);
  expect(few.some(([x, y]) => x === 7777 && y === 99)).toBe(true);
  const xs = few.map(([x]) => x);
  expect(xs).toEqual([...xs].sort((a, b) => a - b));
});

const options: ChartOptions = { label: 'l', x: 'step', width: 400, height: 200, formatX: String, formatY: String };

test('labels of an axis are short and say the number', () => {
  const numbers = [0, 0.001, 12, 1000, 1500, 10_000, 12_500, 100_000, 150_000, 1e6, 1.25e6, 4e7, 1e8];
  expect(numbers.map(tick)).toEqual('0 0.001 12 1k 1.5k 10k 12.5k 100k 150k 1M 1.25M 40M 100M'.split(' '));
});

describe('lineChart', () => {
  test('maps the corners of the data to the corners of the plot', () => {
    const svg = lineChart(
      [
        {
          name: 'a',
          color: 'red',
          points: [
            [0, 0],
            [10, 1],
          ],
        },
      ],
      { ...options, yFromZero: true },
    );
    const path = /class="line"[^>]* d="([^"]+)"/.exec(svg)![1]!;
    const [x0, y0, x1, y1] = path.match(/[\d.]+/g)!.map(Number);
    expect([x0, y0, x1]).toEqual([46, 166, 390]);
    expect(y1).toBeGreaterThanOrEqual(10);
    expect(y1).toBeLessThan(20);
  });

  test('few steps have whole numbers on their axis', () => {
    const svg = lineChart(
      [
        {
          name: 'a',
          color: 'red',
          points: [
            [1, 0],
            [3, 1],
          ],
        },
      ],
      { ...options, width: 1000 },
    );
    const bottom = [...svg.matchAll(/y="182" text-anchor="\w+">([^<]*)</g)].map((m) => m[1]);
    expect(bottom).toEqual(['1', '2', '3']);
  });

  test('leaves a gap where a value is missing, and never writes NaN', () => {
    const points = [
      [1, 1],
      [2, Number.NaN],
      [3, 2],
      [4, 3],
    ] as const;
    const svg = lineChart([{ name: 'a', color: 'red', points }], options);
    expect(/class="line"[^>]* d="([^"]+)"/.exec(svg)![1]!.match(/M/g)!.length).toBe(2);
    expect(svg).not.toContain('NaN');
    const log = lineChart(
      [
        {
          name: 'a',
          color: 'red',
          points: [
            [0, 0],
            [1, 5],
            [10, 50],
          ],
        },
      ],
      { ...options, xLog: true, yLog: true },
    );
    expect(log).not.toMatch(/NaN|Infinity/);
  });

  test('one point, equal points and no points', () => {
    expect(lineChart([{ name: 'a', color: 'red', points: [[5, 2]] }], options)).not.toMatch(/NaN|Infinity/);
    expect(
      lineChart(
        [
          {
            name: 'a',
            color: 'red',
            points: [
              [5, 0],
              [6, 0],
            ],
          },
        ],
        options,
      ),
    ).not.toMatch(/NaN|Infinity/);
    expect(lineChart([], options)).toContain('nothing recorded');
  });

  test('near reference lines get labels that do not overlap', () => {
    const references = [
      { name: 'r1', y: 1 },
      { name: 'r2', y: 1.01 },
      { name: 'r3', y: 5 },
    ];
    const svg = lineChart(
      [
        {
          name: 'a',
          color: 'red',
          points: [
            [0, 0],
            [1, 6],
          ],
        },
      ],
      { ...options, references },
    );
    const at = (name: string) => Number(new RegExp(`y="([\\d.]+)" text-anchor="end">${name}<`).exec(svg)![1]);
    expect(at('r1') - at('r2')).toBeGreaterThanOrEqual(12);
    expect(at('r2')).toBeGreaterThan(at('r3'));
  });
});

test('everything that means something in HTML is escaped', () => {
  expect(escapeHtml(`<a href="x" id='y'>&`)).toBe('&#60;a href=&#34;x&#34; id=&#39;y&#39;&#62;&#38;');
});
