// Line charts as inline SVG: no script, no network, colours from CSS variables, so that one drawing serves light, dark and
// paper. Text is in the units of the viewBox: a chart looks right when shown at about its own width.
//
//   y label
//   |  legend is HTML above, see legend()
//   |______ x label
//
// What is drawn can be read back: the <svg> has its axes as data-x="scale from to left right" and data-y="scale from to
// bottom top", from and to in units of the scale (of a log axis: log10), the others in those of the viewBox.

import { integer } from '../base/format.js';
import { type Axis, axis, extent, logTicks, ticks } from './scale.js';

/** Points of one quantity. Points that are not finite, or not positive on a log axis, leave a gap. */
export interface Series {
  readonly name: string;
  readonly color: string; // CSS, e.g. var(--c1)
  readonly points: readonly (readonly [x: number, y: number])[];
  /** faint: thin and pale, behind the others; dots: with a dot and tooltip per point; marks: rings alone, no line. */
  readonly style?: 'line' | 'faint' | 'dots' | 'marks';
  /** stroke-dasharray */
  readonly dash?: string;
  /** Path of a dot around the origin, about ten units wide; default: a small disc. */
  readonly marker?: string;
}

/** A place on the x axis that has a name. */
export interface Mark {
  readonly name: string;
  readonly x: number;
  readonly own?: boolean; // stands out
}

export interface ChartOptions {
  readonly label: string; // for screen readers
  readonly x: string; //     axis label; '' for none
  readonly width: number; // viewBox units
  readonly height: number;
  readonly xLog?: boolean;
  readonly yLog?: boolean;
  readonly yFromZero?: boolean;
  /** x values may be fractions; by default they are whole numbers, and so are their ticks. */
  readonly xFraction?: boolean;
  /** The x axis covers at least this, so that charts above each other share it. */
  readonly xRange?: readonly [low: number, high: number];
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
  /** Dashed horizontal lines with their names. */
  readonly references?: readonly { readonly name: string; readonly y: number }[];
  /** Dotted vertical lines, e.g. where a run was resumed. */
  readonly marks?: readonly Mark[];
  /** Small triangles on the x axis, e.g. checkpoints. */
  readonly pins?: readonly Mark[];
  /** Names of the series where their lines end. */
  readonly endLabels?: boolean;
  /** Inside the drawing, at the top left. */
  readonly title?: string;
}

/** Replaces the characters that mean something in HTML, in text and in quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** In place of a chart, and of a list, that has nothing to show. */
export const NOTHING = '<p class="empty">nothing recorded yet</p>';

const MAX_POINTS = 500;

/** At most `most` points that keep the extremes: of each stretch its lowest and highest point, the first and the last. */
export function thin(points: readonly (readonly [number, number])[], most = MAX_POINTS): (readonly [number, number])[] {
  if (points.length <= most) return [...points];
  const size = Math.ceil(points.length / (most / 2 - 1));
  const out: (readonly [number, number])[] = [];
  for (let i = 0; i < points.length; i += size) {
    const part = points.slice(i, i + size);
    let low = part[0]!;
    let high = part[0]!;
    for (const p of part) {
      if (p[1] < low[1] || Number.isNaN(p[1])) low = p;
      if (p[1] > high[1]) high = p;
    }
    out.push(...(low === high ? [low] : low[0] < high[0] ? [low, high] : [high, low]));
  }
  if (out[0] !== points[0]) out.unshift(points[0]!);
  if (out.at(-1) !== points.at(-1)) out.push(points.at(-1)!);
  return out;
}

/** The chart as an <svg> element; a sentence when there is nothing to draw. */
export function lineChart(series: readonly Series[], options: ChartOptions): string {
  const { width, height, xLog = false, yLog = false, references = [], xRange = [] } = options;
  const shown = series.map((s) => ({
    ...s,
    points: s.points.map(([x, y]) =>
      (xLog && x <= 0) || (yLog && y <= 0) ? ([x, Number.NaN] as const) : ([x, y] as const),
    ),
  }));
  const points = shown.flatMap((s) => s.points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)));
  if (points.length === 0) return NOTHING;

  const names = options.endLabels ? shown.map((s) => s.name.length) : [];
  const left = 46;
  const right = width - 10 - Math.max(0, ...names.map((n) => 7 * Math.min(n, LONGEST_NAME) + 12));
  const top = options.title === undefined ? 10 : 26;
  const bottom = height - (options.x === '' ? 20 : 34);
  const xs = extent([...points.map(([x]) => x), ...xRange.filter((x) => !xLog || x > 0)]);
  const ys = extent([...points.map(([, y]) => y), ...references.map(({ y }) => y), ...(options.yFromZero ? [0] : [])]);
  const x = axis(xs, left, right, xLog, 0);
  const y = axis(ys, bottom, top, yLog, 0.05, options.yFromZero);
  const xCount = options.xFraction ? width / 90 : Math.min(width / 90, x.high - x.low); // there is no step 1.5
  const xTicks = (xLog ? logTicks(x.low, x.high) : ticks(x.low, x.high, xCount)).filter(
    (t) => t >= x.low && t <= x.high,
  );
  const yTicks = yLog ? logTicks(y.low, y.high) : ticks(y.low, y.high, Math.max(2, height / 55));

  const parts: string[] = [];
  for (const t of yTicks) {
    parts.push(`<path class="grid" d="M${left} ${px(y.at(t))}H${right}"/>`);
    parts.push(text(left - 7, y.at(t) + 4, options.formatY(t), 'end'));
  }
  for (const t of xTicks) {
    parts.push(text(x.at(t), bottom + 16, options.formatX(t), x.at(t) > width - 24 ? 'end' : 'middle'));
  }
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  if (options.x !== '') parts.push(text((left + right) / 2, height - 3, options.x, 'middle'));
  if (options.title !== undefined) parts.push(`<text class="title" x="4" y="13">${escapeHtml(options.title)}</text>`);
  const within = (marks: readonly Mark[] = []) => marks.filter((mark) => mark.x >= x.low && mark.x <= x.high);
  for (const mark of within(options.marks)) {
    parts.push(`<path class="mark" d="M${px(x.at(mark.x))} ${top}V${bottom}">${tooltip(mark.name)}</path>`);
  }
  for (const pin of within(options.pins)) {
    const at = `M${px(x.at(pin.x))} ${bottom}l-4.5 -8h9z`;
    parts.push(`<path class="pin${pin.own ? ' own' : ''}" d="${at}">${tooltip(pin.name)}</path>`);
  }
  let lastLabel = Number.POSITIVE_INFINITY; // labels from the bottom up, never on top of each other
  for (const reference of [...references].sort((a, b) => a.y - b.y)) {
    const at = y.at(reference.y);
    const label = Math.min(at - 4, lastLabel - 13);
    lastLabel = label;
    parts.push(`<path class="ref" d="M${left} ${px(at)}H${right}"/>`);
    parts.push(text(right - 2, Math.max(top + 2, label), reference.name, 'end'));
  }
  parts.push(...shown.flatMap((s) => drawn(s, x, y, options)));
  if (options.endLabels) parts.push(...endLabels(shown, x, y, bottom));
  const axes = `data-x="${axisText(x, xLog, left, right)}" data-y="${axisText(y, yLog, bottom, top)}"`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" ${axes}><title>${escapeHtml(options.label)}</title><desc>${escapeHtml(described(shown, options))}</desc>${parts.join('')}</svg>`;
}

function drawn(s: Series, x: Axis, y: Axis, { width, formatX, formatY }: ChartOptions): string[] {
  const { style = 'line', marker } = s;
  const line = style === 'marks' ? [] : thin(s.points, Math.max(MAX_POINTS / 2, width / 2));
  const path = pathOf(line.map(([px, py]) => [x.at(px), y.at(py)]));
  const dash = s.dash ? ` stroke-dasharray="${s.dash}"` : '';
  const data = ` data-line="${escapeHtml(s.name)}"`;
  const parts = path ? [`<path class="${style}" style="stroke:${s.color}"${dash}${data} d="${path}"/>`] : [];
  if (style !== 'dots' && style !== 'marks') return parts;
  const [r, paint] = style === 'dots' ? [3, 'fill'] : [5, 'stroke'];
  for (const [vx, vy] of s.points) {
    if (!Number.isFinite(x.at(vx)) || !Number.isFinite(y.at(vy))) continue;
    const [cx, cy] = [px(x.at(vx)), px(y.at(vy))];
    const shape = marker
      ? `path class="dot" transform="translate(${cx} ${cy})" d="${marker}"`
      : `circle cx="${cx}" cy="${cy}" r="${r}"`;
    const title = tooltip(`${s.name}: ${formatY(vy)} at ${formatX(vx)}`);
    parts.push(`<${shape} style="${paint}:${s.color}">${title}</${marker ? 'path' : 'circle'}>`);
  }
  return parts;
}

const LINE_HEIGHT = 15;

/** Names beside the last points, moved apart where they would touch. */
function endLabels(series: readonly Series[], x: Axis, y: Axis, bottom: number): string[] {
  const ends = series
    .flatMap((s) => {
      const last = s.points.findLast(([px, py]) => Number.isFinite(x.at(px)) && Number.isFinite(y.at(py)));
      return last ? [{ s, x: x.at(last[0]) + 8, at: y.at(last[1]) + 4 }] : [];
    })
    .sort((a, b) => a.at - b.at);
  for (const [i, end] of ends.entries()) if (i > 0) end.at = Math.max(end.at, ends[i - 1]!.at + LINE_HEIGHT);
  let floor = bottom + 4;
  for (const end of [...ends].reverse()) {
    end.at = Math.min(end.at, floor);
    floor = end.at - LINE_HEIGHT;
  }
  return ends.map(
    ({ s, x: left, at }) =>
      `<text class="end" x="${px(left)}" y="${px(at)}" style="fill:${s.color}">${escapeHtml(endName(s.name))}</text>`,
  );
}

const LONGEST_NAME = 25;

const endName = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

/** In words: where each series begins and ends, and its lowest point. */
function described(series: readonly Series[], { formatX, formatY }: ChartOptions): string {
  const lines = series.map(({ name, points }) => {
    const known = points.filter(([, y]) => Number.isFinite(y));
    const [first, last] = [known[0], known.at(-1)];
    if (first === undefined || last === undefined) return `${name}: nothing.`;
    const lowest = known.reduce((a, b) => (b[1] < a[1] ? b : a));
    const at = ([px, py]: readonly [number, number]) => `${formatY(py)} at ${formatX(px)}`;
    if (known.length === 1) return `${name}: ${at(first)}.`;
    return `${name}: ${integer(known.length)} points from ${at(first)} to ${at(last)}, lowest ${at(lowest)}.`;
  });
  return lines.join(' ');
}

/** Names with a swatch of their line, as HTML. */
export function legend(series: readonly Series[], more = ''): string {
  const items = series.map((s) => `<span>${swatch(s)}${escapeHtml(s.name)}</span>`);
  return `<p class="legend">${items.join('')}${more}</p>`;
}

/** A short piece of a series' line, with its dash and marker. */
export function swatch({ style = 'line', color, dash, marker }: Omit<Series, 'name' | 'points'>): string {
  if (!dash && !marker) return `<i class="${style}" style="color:${color}"></i>`;
  const line = `<path class="line" style="stroke:${color}"${dash ? ` stroke-dasharray="${dash}"` : ''} d="M0 6H34"/>`;
  const dot = marker ? `<path class="dot" style="fill:${color}" transform="translate(17 6)" d="${marker}"/>` : '';
  return `<svg viewBox="0 0 34 12" aria-hidden="true">${line}${dot}</svg>`;
}

const px = (value: number): string => String(Math.round(value * 10) / 10);

const text = (x: number, y: number, content: string, anchor: 'middle' | 'end'): string =>
  `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${escapeHtml(content)}</text>`;

const tooltip = (content: string): string => `<title>${escapeHtml(content)}</title>`;

function axisText({ low, high }: Axis, log: boolean, start: number, end: number): string {
  const [from, to] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  return `${log ? 'log' : 'linear'} ${from} ${to} ${start} ${end}`;
}

function pathOf(points: readonly (readonly [number, number])[]): string {
  let path = '';
  let pen = false;
  for (const [x, y] of points) {
    const ok = Number.isFinite(x) && Number.isFinite(y);
    if (ok) path += `${pen ? 'L' : 'M'}${px(x)} ${px(y)}`;
    pen = ok;
  }
  return path;
}
