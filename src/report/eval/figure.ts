// A figure of an evaluation: the mean over tasks large, then each task, with a legend. In the report as HTML; alone, for
// documents, as an SVG file that brings its own style.

import { figuresOf, type Line, type Panel, panelTitle } from '../../base/eval_figures.js';
import type { EvalRecord } from '../../base/eval_record.js';
import { distinct } from '../../base/eval_scores.js';
import { escapeHtml } from '../chart.js';
import { FIGURE_STYLE, lookOf } from './look.js';
import { plot, textWidth } from './plot.js';

export type FigureName = 'by_shots' | 'by_size';

const SHOWN = 12; // panels of tasks; the rest is folded

/** Panels of one figure as HTML; '' where there are none. */
export function figureHtml(name: FigureName, panels: readonly Panel[]): string {
  const what = panels.every((p) => p.share) ? 'Accuracy' : 'Metrics';
  const protocols = distinct(panels.map((p) => p.protocol));
  const parts = protocols
    .map((protocol) => {
      const own = panels.filter((p) => p.protocol === protocol);
      const title = protocols.length > 1 ? `<h3 class="table">${escapeHtml(protocol)} protocol</h3>\n` : '';
      return `${title}${protocolHtml(`${name}-${protocol}`, own)}`;
    })
    .join('\n');
  return parts === '' ? '' : `<h2>${what} by ${name === 'by_shots' ? 'number of shots' : 'model size'}</h2>\n${parts}`;
}

function protocolHtml(id: string, panels: readonly Panel[]): string {
  const first = panels[0];
  if (first === undefined) return '';
  const isLarge = first.task === null || panels.length === 1;
  const small = isLarge ? panels.slice(1) : panels;
  const large = isLarge
    ? `<figure><h3>${escapeHtml(heading(first))}</h3>
${legendHtml(first.lines)}
<div class="big">${plot(first, { id: `${id}-big`, width: 1000, height: 430, endLabels: true })}</div>
<div class="small">${plot(first, { id: `${id}-small`, width: 400, height: 340 })}</div>
${note(first)}</figure>`
    : legendHtml(small.flatMap((p) => p.lines));
  const figures = small.map(
    (panel, i) =>
      `<figure><h3>${escapeHtml(heading(panel))}</h3>${plot(panel, { id: `${id}-${i}`, width: 480, height: 300 })}</figure>`,
  );
  const grid = (some: readonly string[]) => `<div class="charts">\n${some.join('\n')}\n</div>`;
  const more = figures.slice(SHOWN);
  return [
    large,
    ...(small.length > 0 ? [grid(figures.slice(0, SHOWN))] : []),
    ...(more.length > 0 ? [`<details><summary>${more.length} more tasks</summary>\n${grid(more)}</details>`] : []),
  ].join('\n');
}

/** Mean of 4 tasks; rte */
const heading = ({ title, task }: Panel): string =>
  task === null ? `${title[0]!.toUpperCase()}${title.slice(1)}` : title;

function note({ task, tasks, left_out, metric, x, lines }: Panel): string {
  if (task !== null) return '';
  const sentences = [
    `Bold: the mean (${metric}) over ${tasks.join(', ')}. Thin: each of them.`,
    left_out.length > 0 ? `Left out, because not measured at all points: ${left_out.join(', ')}.` : '',
    x === 'asked'
      ? 'K of a setting differs between tasks: settings stand evenly spaced, with the range of K below.'
      : '',
    lines.some((l) => l.points.some((p) => p.stderr !== null)) ? 'Band: one standard error, of independent tasks.' : '',
  ];
  return `<p class="note after">${escapeHtml(sentences.filter((s) => s !== '').join(' '))}</p>`;
}

/** What stands in a legend: the bold lines, and thin ones where they have looks of their own. */
function legendOf(lines: readonly Line[]): Line[] {
  const bold = lines.filter((l) => l.role !== 'task');
  const styles = new Set(bold.map((l) => l.style));
  const found = [...bold, ...lines.filter((l) => l.role === 'task' && !styles.has(l.style))];
  return found.filter((line, i) => found.findIndex((l) => l.style === line.style) === i);
}

const swatch = ({ style, role }: Line): string => {
  const { className, marker, dash } = lookOf(style);
  const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  return `<g class="${className} ${role === 'mean' ? 'mean' : 'single'}"><path class="curve"${dashes} d="M1 6H33"/><path class="pt" transform="translate(17 6)" d="${marker}"/></g>`;
};

/** '' where there is nothing to tell apart. */
function legendHtml(lines: readonly Line[]): string {
  if (distinct(lines.map((l) => l.name)).length < 2) return '';
  const spans = legendOf(lines).map(
    (l) => `<span><svg viewBox="0 0 34 12" aria-hidden="true">${swatch(l)}</svg>${escapeHtml(l.name)}</span>`,
  );
  return `<p class="legend">${spans.join('')}</p>`;
}

// ---- a file of its own

const WIDTH = 860;
const GAP = 16;

const FILE_STYLE = `svg { --bg: #fcfcfb; --card: #ffffff; --fg: #24292f; --muted: #626a73; --line: #e3e5e8; }
@media screen and (prefers-color-scheme: dark) { svg { --card: #1b1f23; --fg: #dde2e7; --muted: #98a1ab; --line: #2d333a; } }
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; fill: var(--muted); }
text.title { font-size: 15px; font-weight: 600; fill: var(--fg); } .paper { fill: var(--card); }
path { fill: none; } .grid { stroke: var(--line); } .axis { stroke: var(--muted); stroke-opacity: 0.6; }
.ref { stroke: var(--muted); stroke-dasharray: 5 4; stroke-opacity: 0.7; }
${FIGURE_STYLE}`.replaceAll('\n', '');

/**
 * A figure as an SVG file, or null where the record has no such figure: the mean over tasks (or the only task), and with
 * `tasks` every task below it in two columns. Light and dark as the reader's system is.
 */
export function figureSvg(record: EvalRecord, name: FigureName, { tasks = false } = {}): string | null {
  const panels = figuresOf(record)[name];
  const [first, ...rest] = panels;
  if (first === undefined) return null;
  const parts: string[] = [];
  let y = 30;
  parts.push(`<text class="title" x="${GAP}" y="${y}">${escapeHtml(panelTitle(first))}</text>`);
  let x = GAP;
  y += 24;
  for (const line of legendOf(tasks ? panels.flatMap((p) => p.lines) : first.lines)) {
    const width = 34 + 8 + textWidth(line.name);
    if (x > GAP && x + width > WIDTH - GAP) [x, y] = [GAP, y + 20];
    parts.push(`<g transform="translate(${x} ${y - 10})">${swatch(line)}</g>`);
    parts.push(`<text x="${x + 42}" y="${y}">${escapeHtml(line.name)}</text>`);
    x += width + GAP;
  }
  y += 14;
  const place = (panel: Panel, left: number, width: number, height: number, endLabels: boolean) => {
    const svg = plot(panel, { id: `panel-${parts.length}`, width, height, endLabels });
    parts.push(svg.replace('<svg ', `<svg x="${left}" y="${y}" width="${width}" height="${height}" `));
  };
  place(first, GAP, WIDTH - 2 * GAP, 380, true);
  y += 380;
  const width = (WIDTH - 3 * GAP) / 2;
  for (const [i, panel] of (tasks ? rest : []).entries()) {
    const left = i % 2 === 0 ? GAP : 2 * GAP + width;
    if (i % 2 === 0) y += 36;
    parts.push(`<text class="title" x="${left}" y="${y - 8}">${escapeHtml(heading(panel))}</text>`);
    place(panel, left, width, 280, false);
    if (i % 2 === 1 || i === rest.length - 1) y += 280;
  }
  const height = y + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escapeHtml(panelTitle(first))}</title>
<style>${FILE_STYLE}</style><rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}
