// Colours of the report: text can be read, and lines seen, in light and dark (WCAG 2.1: 4.5:1 and 3:1).

import { describe, expect, test } from 'vitest';
import { DARK, LIGHT } from '../../src/report/style.js';

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

test('the measure itself: black on white is 21, #767676 on white the lightest grey that passes', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 9);
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
});

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
])('%s', (_, colors) => {
  test.each(['fg', 'muted', 'warn', 'bad', 'good', 'c1'] as const)('text in %s', (name) => {
    for (const behind of ['bg', 'card'] as const) {
      expect(contrast(colors[name], colors[behind]), behind).toBeGreaterThanOrEqual(4.5);
    }
  });

  test.each(['c1', 'c2', 'c3', 'c4'] as const)('lines in %s', (name) => {
    expect(contrast(colors[name], colors.card)).toBeGreaterThanOrEqual(3);
  });

  test('text on a chosen button, and marked text', () => {
    expect(contrast(colors.fg, colors.line)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colors.fg, colors.mark)).toBeGreaterThanOrEqual(4.5);
  });
});
