// Text of an evaluation on a terminal, around the table of its results: a plot for --plot, and the lines below the table.
//
//   accuracy by number of shots, mean of 4 tasks, ± one standard error
//     0.60 ┤                        ●
//          │              ● · · · · │
//     0.50 ┤ ---●- · ---------------------- chance
//          └────┴─────────┴─────────┴──
//               0         1        few
//            ● icl-tiny 0.602 ± 0.017

import { type Line, type Panel, type Point, panelTitle, X_UNITS } from '../base/eval_figures.js';
import type { EvalRecord, TaskRun } from '../base/eval_record.js';
import { aboutChance, askedShots, distinct, outerTasks, rangeText, totalsOf } from '../base/eval_scores.js';
import { duration, integer, plural, printable } from '../base/format.js';
import { briefText } from '../base/task_result.js';
import { type Paint, row } from './block.js';
import { shell } from './run_text.js';

export interface EvalTextOptions {
  readonly columns: number; // of the terminal
  readonly paint: Paint;
}

// ---- the plot

const SIGNS = {
  unicode: { markers: '●■▲◆▼✚', error: '│', path: '·', axis: '│', tick: '┤', corner: '└', line: '─', mark: '┴' },
  ascii: { markers: 'o#^x%+', error: '|', path: '.', axis: '|', tick: '+', corner: '+', line: '-', mark: '+' },
};

const ROWS = 13;
const LEFT = 9; // columns before the axis
const MAX_WIDTH = 72;
const MAX_LINES = 6;

/** A panel of base/eval_figures.ts in characters. `unicode: false` for streams that are no terminal. */
export function evalPlot(
  panel: Panel,
  { columns, paint, unicode }: EvalTextOptions & { readonly unicode: boolean },
): string {
  const signs = SIGNS[unicode ? 'unicode' : 'ascii'];
  const lines = shownLines(panel).map((line, i) => ({ ...line, marker: signs.markers[i]! }));
  const width = Math.max(20, Math.min(MAX_WIDTH, columns - 1 - LEFT - 1));
  const x = across(panel, width);
  const { at: y, values } = down(panel, lines);
  const grid = Array.from({ length: ROWS }, () => Array.from({ length: width }, () => ' '));
  const put = (r: number, c: number, sign: string) => {
    if (grid[r]?.[c] !== undefined) grid[r][c] = sign;
  };
  if (panel.chance !== null) for (let c = 0; c < width; c += 2) put(y(panel.chance), c, '-');
  // lines stand beside each other, so that none hides the error of another
  const column = (p: Point, i: number) => x(p.x) + i - Math.floor((lines.length - 1) / 2);
  for (const [i, { points }] of lines.entries()) {
    for (const [k, p] of points.entries()) {
      const next = points[k + 1];
      if (next)
        for (const [r, c] of between([y(p.y), column(p, i)], [y(next.y), column(next, i)])) put(r, c, signs.path);
    }
  }
  for (const [i, { points, marker }] of lines.entries()) {
    for (const p of points) {
      const error = p.stderr ?? 0;
      for (let r = y(p.y + error); r <= y(p.y - error); r++) put(r, column(p, i), signs.error);
    }
    for (const p of points) put(y(p.y), column(p, i), marker);
  }
  const digits = panel.share ? 2 : 1;
  const drawn = grid.map((cells, r) => {
    const isTick = r % 3 === 0;
    const label = isTick
      ? values(r)
          .toFixed(digits)
          .padStart(LEFT - 2)
      : ' '.repeat(LEFT - 2);
    return `${label} ${isTick ? signs.tick : signs.axis}${cells.join('').trimEnd()}`;
  });
  const marks = Array.from({ length: width }, () => signs.line);
  for (const { x: place } of panel.ticks) marks[x(place)] = signs.mark;
  const indent = ' '.repeat(LEFT);
  const foot = (['label', 'detail'] as const).map((key) =>
    `${indent}${centred(
      panel.ticks.map((t) => [x(t.x), printable(t[key])]),
      width,
    )}`.trimEnd(),
  );
  const key = lines.map(({ name, marker, points }) => {
    const { y: value, stderr } = points.at(-1)!;
    return `${indent}${marker} ${printable(name)}  ${briefText({ value, stderr })}`;
  });
  const chance = panel.chance === null ? '' : `  - - chance ${Number(panel.chance.toFixed(3))}`;
  return [
    `${paint.bold(printable(panelTitle(panel)))}${paint.dim(`  ± one standard error${chance}`)}`,
    ...drawn,
    `${' '.repeat(LEFT - 1)}${signs.corner}${marks.join('')}`,
    ...foot.filter((line) => line !== ''),
    ...key,
    '',
  ].join('\n');
}

/** Bold lines; of a single model its tasks too, where there is room to tell them apart. */
function shownLines({ lines }: Panel): readonly Line[] {
  const bold = lines.filter((l) => l.role !== 'task');
  const all = bold.some((l) => l.style === null) ? [...bold, ...lines.filter((l) => l.role === 'task')] : bold;
  return all.length <= MAX_LINES ? all : bold.slice(0, MAX_LINES);
}

/** Column of a value. */
function across({ x, ticks }: Panel, width: number): (value: number) => number {
  const unit = X_UNITS[x];
  const places = ticks.map((t) => unit(t.x));
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const edge = Math.min(8, Math.floor(width / 6));
  return (value) => edge + Math.round(((unit(value) - low) / (high - low || 1)) * (width - 1 - 2 * edge));
}

/** Row of a value, and the value of a row; the extremes of what is drawn are the first and the last row. */
function down(panel: Panel, lines: readonly Line[]) {
  const drawn = lines.flatMap((l) => l.points.flatMap(({ y, stderr }) => [y - (stderr ?? 0), y + (stderr ?? 0)]));
  if (panel.chance !== null) drawn.push(panel.chance);
  let [low, high] = [Math.min(...drawn), Math.max(...drawn)];
  if (high - low < (panel.share ? 0.05 : 1e-9)) [low, high] = [low - 0.025, high + 0.025];
  return {
    at: (value: number) => Math.round(((high - value) / (high - low)) * (ROWS - 1)),
    values: (r: number) => high - (r / (ROWS - 1)) * (high - low),
  };
}

type Place = readonly [row: number, column: number];

/** Every other cell between two. */
function between([r1, c1]: Place, [r2, c2]: Place): Place[] {
  const cells: Place[] = [];
  for (let c = c1 + 2; c < c2 - 1; c += 2) cells.push([Math.round(r1 + ((c - c1) / (c2 - c1)) * (r2 - r1)), c]);
  return cells;
}

/** Texts around their columns; one that would touch the one before is left out. */
function centred(texts: readonly (readonly [column: number, text: string])[], width: number): string {
  let line = '';
  for (const [column, text] of texts) {
    const start = Math.max(0, Math.min(width - text.length, column - Math.floor(text.length / 2)));
    if (text === '' || (line !== '' && start <= line.length)) continue;
    line = line.padEnd(start) + text;
  }
  return line;
}

// ---- below the table

export interface EvalEndOptions extends EvalTextOptions {
  /** How the user calls gpt: "gpt", or "node bin/gpt.js" from a clone. */
  readonly program?: string;
  /** Files that were written, by name: report, results, samples. */
  readonly files?: Readonly<Record<string, string>>;
  /** Where the tasks were found and how they were asked, as flags; undefined: built in, as the harness asks. */
  readonly source?: readonly string[];
  /** Requests whose answers were kept from before. */
  readonly cached?: number;
}

/** Baselines, what is about chance, K of few, notes, totals, files, and the next command. */
export function evalEnd(
  record: EvalRecord,
  { columns, paint, program = 'gpt', files = {}, source = [], cached = 0 }: EvalEndOptions,
): string {
  const { runs, seconds } = record;
  const single = runs.filter((r) => r.members === null);
  const ofTasks = distinct(single.map((r) => r.task)).map((task) => single.filter((r) => r.task === task));
  const baseline = (key: 'chance' | 'majority') =>
    ofTasks.flatMap((own) => {
      const value = own.find((r) => r[key] !== null)?.[key] ?? null;
      return value === null ? [] : [`${own[0]!.task} ${Number(value.toFixed(4))}`];
    });
  const totals = totalsOf(record);
  const line = (label: string, parts: readonly string[]) =>
    parts.length === 0 ? '' : row(label, parts.map(printable), columns, paint);
  return [
    line('chance', limited(baseline('chance'))),
    line('majority', limited(baseline('majority'))),
    line('≈ chance', limited(ofTasks.flatMap((own) => aboutChanceText(own, record)))),
    ...askedShots(single).map((asked) => line(asked, limited(realShots(asked, ofTasks)))),
    line('dirty', limited(ofTasks.flatMap(([run]) => dirtyText(run!)))),
    ...record.notes.map((note) => line('note', [note])),
    line('total', [
      plural(totals.tasks, 'task'),
      `${integer(totals.docs)} docs`,
      `${plural(totals.requests, 'request')}${cached > 0 ? `, ${integer(cached)} of them from the cache` : ''}`,
      duration(seconds),
      totals.requests_per_s === null || cached > 0 ? '' : `${integer(totals.requests_per_s)} requests/s`,
      `${integer(totals.truncated)} truncated`,
    ]),
    ...Object.entries(files).map(([name, path]) => line(name, [path])),
    line('next', [nextCommand(record, program, source)]),
  ].join('');
}

const MAX_PARTS = 12;
const limited = (parts: readonly string[]): string[] =>
  parts.length > MAX_PARTS ? [...parts.slice(0, MAX_PARTS), `and ${parts.length - MAX_PARTS} more`] : [...parts];

/** rte; or, where some are better: piqa icl-tiny 0, few */
function aboutChanceText(own: readonly TaskRun[], { models }: EvalRecord): string[] {
  const found = own.filter(aboutChance);
  const task = own[0]!.task;
  if (found.length === 0) return [];
  if (found.length === own.length) return [task];
  const parts = distinct(found.map((r) => r.model)).map((m) => {
    const asked = found.filter((r) => r.model === m).map((r) => r.asked);
    return `${models.length > 1 ? `${models[m]!.name} ` : 'with '}${asked.join(', ')}`;
  });
  return [`${task} ${parts.join(', ')}`];
}

/** rte 3 of 277 (13-grams); the report has the results without them */
const dirtyText = ({ task, contamination, docs }: TaskRun): string[] =>
  contamination === null ? [] : [`${task} ${contamination.dirty} of ${docs} (${contamination.n}-grams)`];

/** rte K 10; nothing for a number that all tasks kept to. */
function realShots(asked: string, ofTasks: readonly (readonly TaskRun[])[]): string[] {
  return ofTasks.flatMap((own) => {
    const ks = own.filter((r) => r.asked === asked).map((r) => r.shots);
    return ks.every((k) => String(k) === asked) ? [] : [`${own[0]!.task} K ${rangeText(ks)}`];
  });
}

/** More shots where there was one setting; else the prompts of what was measured. */
function nextCommand({ models, runs }: EvalRecord, program: string, source: readonly string[]): string {
  const isFile = source.includes('--task-file'); // whose tasks have no other name
  const asked = askedShots(runs);
  const command = (...words: readonly string[]) => [program, ...words.map(shell), ...source.map(shell)].join(' ');
  if (asked.length === 1) {
    const tasks = isFile ? [] : ['--tasks', outerTasks(runs).join(',')];
    return `${command('eval', ...models.map((m) => m.dir), ...tasks)} --shots 0,1,few --plot`;
  }
  const single = runs.find((r) => r.members === null && r.shots > 0) ?? runs[0];
  if (single === undefined) return '';
  return `${command('tasks', 'show', ...(isFile ? [] : [single.task]))} --shots ${single.shots}`;
}
