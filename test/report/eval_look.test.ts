// Colours of series: visible, and apart from each other for every kind of sight.

import { describe, expect, test } from 'vitest';
import { DARK, LIGHT, lookOf } from '../../src/report/eval/look.js';

type Rgb = readonly [number, number, number];

/** Linear light of #rrggbb. */
function linear(hex: string): Rgb {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return [r!, g!, b!];
}

const luminance = ([r, g, b]: Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

/** Machado, Oliveira and Fernandes 2009, severity 1. */
const SIGHTS: Record<string, readonly number[]> = {
  normal: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

const through = (m: readonly number[], [r, g, b]: Rgb): Rgb => {
  const row = (i: number) => Math.max(0, m[3 * i]! * r + m[3 * i + 1]! * g + m[3 * i + 2]! * b);
  return [row(0), row(1), row(2)];
};

/** Ottosson's OKLab. */
function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

describe.each([
  ['light', LIGHT, '#ffffff'],
  ['dark', DARK, '#1b1f23'],
])('%s', (_name, colors, background) => {
  test('contrast with the background is at least 3:1', () => {
    expect(Math.min(...colors.map((c) => contrast(c, background)))).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.keys(SIGHTS))('any two are apart with %s', (sight) => {
    const seen = colors.map((c) => oklab(through(SIGHTS[sight]!, linear(c))));
    const distances = seen.flatMap((a, i) => seen.slice(0, i).map((b) => Math.hypot(...a.map((x, k) => x - b[k]!))));
    expect(Math.min(...distances)).toBeGreaterThan(0.12);
  });
});

test('six lines differ in colour, marker and dash, thirty-six in colour and marker', () => {
  const looks = Array.from({ length: 36 }, (_, style) => lookOf(style));
  const first = looks.slice(0, 6);
  for (const key of ['className', 'marker', 'dash'] as const) expect(new Set(first.map((l) => l[key])).size).toBe(6);
  expect(new Set(looks.map((l) => `${l.className} ${l.marker}`)).size).toBe(36);
});
