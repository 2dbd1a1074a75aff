// One panel of an evaluation's figures as SVG: lines with a band of one standard error, markers, and chance as a dashed line.
//
//   x   log2(1 + K) of K demonstrations, so that 0 has a place; the place of a setting; or log10 of the parameters
//   y   linear; a metric that is no share and spans more than 20 times its lowest value: log10
//
// What is drawn can be read back: a marker has its values as data-x, data-y and data-stderr, and the <svg> has its axes as
// data-x="scale from to left right", data-y="scale from to bottom top", from and to in units of the scale.

import { type Line, type Panel, type Point, panelTitle, X_UNITS } from '../../base/eval_figures.js';
import { escapeHtml } from '../chart.js';
import { tick as tickText } from '../numbers.js';
import { logTicks, ticks } from '../scale.js';
import { lookOf } from './look.js';

export interface PlotOptions {
  /** Unique in the page. */
  readonly id: string;
  /** In units of the viewBox: a plot looks right when shown at about its own width. */
  readonly width: number;
  readonly height: number;
  /** Names of the lines at their right ends. */
  readonly endLabels?: boolean;
}

/** The plot as an <svg> element. */
export function plot(panel: Panel, options: PlotOptions): string {
  const { id, width, height } = options;
  const bold = panel.lines.filter((l) => l.role !== 'task');
  const names = options.endLabels ? bold.map((l) => l.name) : [];
  const margin = Math.min(200, Math.max(0, ...names.map((name) => textWidth(name) + 14)));
  const [left, right, top, bottom] = [46, width - 12 - margin, 26, height - 50];
  const x = xScale(panel, left, right);
  const y = yScale(panel, bottom, top);

  const parts: string[] = [];
  for (const t of y.ticks) {
    parts.push(`<path class="grid" d="M${left} ${px(y.at(t))}H${right}"/>`);
    parts.push(text(left - 7, y.at(t) + 4, y.format(t), 'text-anchor="end"'));
  }
  parts.push(`<path class="axis" d="M${left} ${bottom}H${right}"/>`);
  const places = panel.ticks.map((t) => x.at(t.x));
  for (const place of places) parts.push(`<path class="tick" d="M${px(place)} ${bottom}v4"/>`);
  for (const [row, key] of (['label', 'detail'] as const).entries()) {
    const labels = panel.ticks.map((t) => t[key]);
    parts.push(...apart(places, labels, bottom + 17 + 14 * row, width));
  }
  parts.push(text((left + right) / 2, height - 4, X_LABELS[panel.x], 'text-anchor="middle"'));
  parts.push(text(4, 13, yLabel(panel)));
  if (panel.chance !== null) parts.push(`<path class="ref" d="M${left} ${px(y.at(panel.chance))}H${right}"/>`);
  for (const line of panel.lines) parts.push(drawLine(line, panel, x, y));
  if (panel.chance !== null) parts.push(chanceLabel(panel, panel.chance, x, y, right));
  if (options.endLabels) parts.push(...endLabels(bold, x, y, right, bottom));

  const axes = `data-x="${[panel.x, x.from, x.to, left, right].join(' ')}" data-y="${[y.log ? 'log' : 'linear', y.from, y.to, bottom, top].join(' ')}"`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d" ${axes}>
<title id="${id}-t">${escapeHtml(panelTitle(panel))}</title><desc id="${id}-d">${escapeHtml(describe(panel))}</desc>
${parts.join('\n')}</svg>`;
}

const X_LABELS: Record<Panel['x'], string> = {
  shots: 'demonstrations in the prompt, K',
  asked: 'demonstrations in the prompt, as asked for',
  parameters: 'parameters',
};

const yLabel = ({ task, metric, higher_is_better }: Panel): string =>
  `${task === null ? 'mean accuracy' : metric} ${higher_is_better ? '↑' : '↓'}`;

/** The points of the bold lines in words. */
function describe(panel: Panel): string {
  const lines = panel.lines
    .filter((l) => l.role !== 'task')
    .map((l) => `${l.name}: ${l.points.map((p) => pointText(panel, p)).join('; ')}.`);
  const chance = panel.chance === null ? [] : [`Chance: ${Number(panel.chance.toFixed(4))}.`];
  return [...lines, ...chance].join(' ');
}

/** 0.5271 ± 0.0300 at few (K 10-30) */
function pointText(panel: Panel, { x, y, stderr }: Point): string {
  const place = panel.ticks.find((t) => t.x === x);
  const detail = place?.detail ? ` (${place.detail})` : '';
  return `${valueText(panel, y)}${stderr === null ? '' : ` ± ${valueText(panel, stderr)}`} at ${place?.label}${detail}`;
}

const valueText = ({ share }: Panel, value: number): string =>
  share ? value.toFixed(4) : String(Number(value.toPrecision(4)));

// ---- scales

interface Scale {
  readonly from: number; // in units of the scale
  readonly to: number;
  readonly at: (value: number) => number; // units of the viewBox
}

function scale(from: number, to: number, start: number, end: number, unit: (value: number) => number): Scale {
  return { from, to, at: (value) => start + ((unit(value) - from) / (to - from)) * (end - start) };
}

function xScale(panel: Panel, left: number, right: number): Scale {
  const unit = X_UNITS[panel.x];
  const places = panel.ticks.map((t) => unit(t.x));
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const pad = 0.07 * (high - low) || 0.5;
  return scale(low - pad, high + pad, left, right, unit);
}

const LEAST_SPAN = 0.1; // of a share: less would make noise look like an effect

function yScale(panel: Panel, bottom: number, top: number) {
  const values = panel.lines.flatMap((l) =>
    l.points.flatMap(({ y, stderr }) => (l.role === 'task' || stderr === null ? [y] : [y - stderr, y + stderr])),
  );
  if (panel.chance !== null) values.push(panel.chance);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const lowest = Math.min(...panel.lines.flatMap((l) => l.points.map((p) => p.y)));
  const log = !panel.share && lowest > 0 && high > 20 * lowest;
  if (log) low = Math.max(low, lowest / 2); // an error may reach below zero
  let [from, to] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const least = panel.share ? LEAST_SPAN : Math.abs(to) * 0.02 || 1;
  const pad = Math.max(0.06 * (to - from), (least - (to - from)) / 2);
  [from, to] = [from - pad, to + pad];
  if (panel.share) [from, to] = [Math.max(0, from), Math.min(1, to)];
  const unit = log ? (v: number) => Math.log10(Math.max(v, 10 ** from)) : (v: number) => v;
  const n = (bottom - top) / 36;
  const marks = log ? logTicks(10 ** from, 10 ** to) : ticks(from, to, n);
  const decimals = Math.max(...marks.map((t) => (String(t).split('.')[1] ?? '').length));
  const format = panel.share ? (v: number) => v.toFixed(decimals) : tickText;
  return { ...scale(from, to, bottom, top, unit), log, ticks: marks, format };
}

// ---- marks

const px = (value: number): string => String(Math.round(value * 100) / 100);

/** About, and rather more: at 12 units a character is 6 to 7 wide. */
export const textWidth = (content: string): number => 7 * content.length;

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${px(x)}" y="${px(y)}"${attributes ? ` ${attributes}` : ''}>${escapeHtml(content)}</text>`;

/** Texts centred at their places, moved into the drawing; one that would touch the one before is left out. */
function apart(places: readonly number[], labels: readonly string[], y: number, width: number): string[] {
  let end = Number.NEGATIVE_INFINITY;
  return labels.flatMap((label, i) => {
    const half = textWidth(label) / 2;
    const room = 1.25 * half; // report pages set these texts larger on a phone
    const x = Math.max(room, Math.min(width - room, places[i]!));
    if (label === '' || x - half < end) return [];
    end = x + half + 6;
    return [text(x, y, label, 'text-anchor="middle"')];
  });
}

function drawLine(line: Line, panel: Panel, x: Scale, y: Scale): string {
  const { className, marker, dash } = lookOf(line.style);
  const { points, role, name } = line;
  const at = (p: Point, value = p.y) => `${px(x.at(p.x))} ${px(y.at(value))}`;
  const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  const path = points.length > 1 ? `<path class="curve"${dashes} d="M${points.map((p) => at(p)).join('L')}"/>` : '';
  const size = role === 'task' ? ' scale(0.6)' : '';
  const markers = points.map((p) => {
    const data = `data-x="${p.x}" data-y="${p.y}" data-stderr="${p.stderr ?? ''}"`;
    const title = escapeHtml(`${name}: ${pointText(panel, p)}`);
    return `<path class="pt" transform="translate(${at(p)})${size}" d="${marker}" ${data}><title>${title}</title></path>`;
  });
  const errors = role === 'task' ? '' : errorMarks(points, at);
  const isAlone = role === 'task' && panel.lines.some((l) => l.role === 'mean' && l.style === null);
  return `<g class="${className} ${role}${isAlone ? ' own' : ''}" data-line="${escapeHtml(name)}">${errors}${path}${markers.join('')}</g>`;
}

/** A band over neighbours that have an error, a whisker for one that stands alone. */
function errorMarks(points: readonly Point[], at: (p: Point, value: number) => string): string {
  const stretches: (Point & { stderr: number })[][] = [[]];
  for (const p of points) {
    if (p.stderr === null) stretches.push([]);
    else stretches.at(-1)!.push({ ...p, stderr: p.stderr });
  }
  return stretches
    .filter((stretch) => stretch.length > 0)
    .map((stretch) => {
      const upper = stretch.map((p) => at(p, p.y + p.stderr));
      const lower = stretch.map((p) => at(p, p.y - p.stderr)).reverse();
      const corners = [...upper, ...lower].join('L');
      return stretch.length > 1 ? `<path class="band" d="M${corners}Z"/>` : `<path class="whisker" d="M${corners}"/>`;
    })
    .join('');
}

/** At the right, above its line; below, where the last points are just above it. */
function chanceLabel(panel: Panel, chance: number, x: Scale, y: Scale, right: number): string {
  const at = y.at(chance);
  const label = `${panel.task === null ? 'chance, mean' : 'chance'} ${Number(chance.toFixed(3))}`;
  const above = panel.lines
    .flatMap((l) => l.points)
    .some((p) => x.at(p.x) > right - textWidth(label) - 8 && at - y.at(p.y) > -4 && at - y.at(p.y) < 24);
  return text(right - 2, above ? at + 14 : at - 5, label, 'text-anchor="end" class="halo"');
}

const LINE_HEIGHT = 15;

/** Names beside the last points, moved apart where they would touch. */
function endLabels(lines: readonly Line[], x: Scale, y: Scale, right: number, bottom: number): string[] {
  const ends = lines
    .map((line) => ({ line, at: y.at(line.points.at(-1)!.y) + 4, x: x.at(line.points.at(-1)!.x) }))
    .sort((a, b) => a.at - b.at);
  for (const [i, end] of ends.entries()) if (i > 0) end.at = Math.max(end.at, ends[i - 1]!.at + LINE_HEIGHT);
  let floor = bottom;
  for (const end of [...ends].reverse()) {
    end.at = Math.min(end.at, floor);
    floor = end.at - LINE_HEIGHT;
  }
  return ends.map(({ line, at }) => text(right + 6, at, line.name, `class="end ${lookOf(line.style).className}"`));
}
