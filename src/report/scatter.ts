// Pairs of numbers as dots: how far predicted scores lie from the right ones.

import { escapeHtml, NOTHING } from './chart.js';
import { axis, extent, ticks } from './scale.js';

const MAX_DOTS = 2000;

/** Pairs as dots, both axes over the same range, with the dashed line on which they are equal. */
export function scatterChart(
  points: readonly (readonly [x: number, y: number])[],
  { label, x: xLabel, y: yLabel, size }: { label: string; x: string; y: string; size: number },
): string {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length === 0) return NOTHING;
  const every = Math.ceil(finite.length / MAX_DOTS);
  const [left, right, top, bottom] = [46, size - 12, 10, size - 44];
  const range = extent(finite.flat());
  const x = axis(range, left, right, false, 0.05);
  const y = axis(range, bottom, top, false, 0.05);
  const n = (value: number) => String(Math.round(value * 10) / 10);
  const parts: string[] = [];
  for (const t of ticks(x.low, x.high, size / 80)) {
    const text = String(Number(t.toPrecision(3)));
    parts.push(`<path class="grid" d="M${left} ${n(y.at(t))}H${right}M${n(x.at(t))} ${top}V${bottom}"/>`);
    parts.push(`<text x="${left - 7}" y="${n(y.at(t) + 4)}" text-anchor="end">${text}</text>`);
    parts.push(`<text x="${n(x.at(t))}" y="${bottom + 16}" text-anchor="middle">${text}</text>`);
  }
  parts.push(`<path class="ref" d="M${left} ${bottom}L${right} ${top}"/>`);
  const dots = finite.filter((_, i) => i % every === 0);
  const path = dots.map(([px, py]) => `M${n(x.at(px))} ${n(y.at(py))}h0`).join('');
  parts.push(`<path class="cloud" d="${path}"/>`);
  const middle = (left + right) / 2;
  parts.push(`<text x="${middle}" y="${size - 8}" text-anchor="middle">${escapeHtml(xLabel)}</text>`);
  parts.push(
    `<text transform="translate(12 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
  );
  return `<svg viewBox="0 0 ${size} ${size}" role="img"><title>${escapeHtml(label)}</title>${parts.join('')}</svg>`;
}
