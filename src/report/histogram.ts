// How often which value occurs, as bars in inline SVG. What lies beyond the 99th percentile is in the last bar: one step
// that waited for the disk must not press all others into the first.

import { integer } from '../base/format.js';
import { escapeHtml, NOTHING } from './chart.js';
import { axis, ticks } from './scale.js';

/** A bar; `to` of the last is the largest value. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** At most n bars of one width (but the last); values that are not finite count nowhere. */
export function bins(values: readonly number[], n: number): Bin[] {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) return [];
  const most = sorted[Math.floor(0.99 * (sorted.length - 1))]!;
  const width = (most - low) / n;
  if (!(width > 0)) return [{ from: low, to: high, count: sorted.length }];
  const counts = new Array<number>(n).fill(0);
  for (const value of sorted) counts[Math.min(n - 1, Math.floor((value - low) / width))]! += 1;
  return counts.map((count, i) => ({ from: low + i * width, to: i === n - 1 ? high : low + (i + 1) * width, count }));
}

/** `unit` stands behind values; `x` is the label of the axis. */
export function histogram(
  values: readonly number[],
  options: {
    readonly label: string;
    readonly x: string;
    readonly unit: string;
    readonly color: string;
    readonly width: number;
    readonly height: number;
    readonly format: (value: number) => string;
  },
): string {
  const { width, height, format } = options;
  const found = bins(values, 24);
  if (found.length === 0) return NOTHING;
  const [left, right, top, bottom] = [46, width - 10, 10, height - 34];
  const first = found[0]!;
  const end = found.length === 1 ? first.to : first.from + (found[0]!.to - first.from) * found.length;
  const x = axis([first.from, end], left, right, false, 0);
  const most = Math.max(...found.map((b) => b.count));
  const y = axis([0, most], bottom, top, false, 0.05, true);
  const n = (value: number) => String(Math.round(value * 10) / 10);
  const parts: string[] = [];
  for (const t of ticks(0, most, Math.min(most, height / 55))) {
    parts.push(`<path class="grid" d="M${left} ${n(y.at(t))}H${right}"/>`);
    parts.push(`<text x="${left - 7}" y="${n(y.at(t) + 4)}" text-anchor="end">${integer(t)}</text>`);
  }
  const slot = (right - left) / found.length;
  for (const [i, { from, to, count }] of found.entries()) {
    const title = `${format(from)} to ${format(to)} ${options.unit}: ${integer(count)}`;
    const d = `M${n(left + i * slot + 0.75)} ${bottom}V${n(y.at(count))}h${n(slot - 1.5)}V${bottom}z`;
    const fill = `class="bar" data-count="${count}" style="fill:${options.color}"`;
    if (count > 0) parts.push(`<path ${fill} d="${d}"><title>${escapeHtml(title)}</title></path>`);
  }
  for (const t of ticks(first.from, end, width / 90)) {
    if (t < first.from || t > end) continue;
    parts.push(`<text x="${n(x.at(t))}" y="${bottom + 16}" text-anchor="middle">${escapeHtml(format(t))}</text>`);
  }
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  const middle = (left + right) / 2;
  parts.push(`<text x="${middle}" y="${height - 3}" text-anchor="middle">${escapeHtml(options.x)}</text>`);
  const described = found.map((b) => `${format(b.from)} to ${format(b.to)}: ${integer(b.count)}`).join('; ');
  return `<svg viewBox="0 0 ${width} ${height}" role="img"><title>${escapeHtml(options.label)}</title><desc>${escapeHtml(described)}</desc>${parts.join('')}</svg>`;
}
