// The table that lm-evaluation-harness prints, byte for byte: its make_table, laid out as pytablewriter lays out Markdown.
//
// One row per metric; tasks by name, a group before its tasks, which are indented by their depth. Numbers have 4 digits
// after the point, of which a column shows as many as its longest number needs (0.5000 alone is 0.5). A column of numbers
// is flush right; one with text too is flush left, but for its numbers. Headers stand in the middle.
//
// Results of several numbers of shots may share a table, which the harness's cannot: the rows of a task follow each other.

import type { HarnessResults, Numbers } from './results_json.js';

/** The table of one or more results; `column` groups: of their groups alone. Ends with a line end. */
export function harnessTable(all: readonly HarnessResults[], column: 'results' | 'groups' = 'results'): string {
  const heading = column === 'groups' ? 'Groups' : 'Tasks';
  const header = [heading, 'Version', 'Filter', 'n-shot', 'Metric', '', 'Value', '', 'Stderr'];
  return markdown(header, rows(all, column));
}

type Cell = string | number;

function rows(all: readonly HarnessResults[], column: 'results' | 'groups'): Cell[][] {
  const names = new Set(all.flatMap((results) => Object.keys(results[column] ?? {})));
  const subtasks = Object.assign(
    {},
    ...all.map((results) => results.group_subtasks),
  ) as HarnessResults['group_subtasks'];
  return inOrder(names, subtasks).flatMap(([name, depth]) => {
    const ofTask = all.flatMap((results) => {
      const numbers = results[column]?.[name];
      return numbers ? taskRows(name, numbers, results) : [];
    });
    // where "few" came to a number that was asked for too, its rows say nothing more
    const different = [...new Map(ofTask.map((row) => [row.join('|'), row])).values()];
    const alias = all.map((results) => results[column]?.[name]?.['alias']).find((text) => text !== undefined) ?? name;
    const shown = depth > 0 ? `${' '.repeat(depth)}- ${alias}` : String(alias);
    const version = all.map((results) => results.versions[name]).find((v) => v !== undefined) ?? '    N/A';
    return different.map((row, i) => (i === 0 ? [shown, version, ...row] : ['', '', ...row]));
  });
}

/** Names with their depth: from the groups that are in no other down, then the rest; each by name. */
function inOrder(names: ReadonlySet<string>, subtasks: HarnessResults['group_subtasks']): [string, number][] {
  const inner = new Set(Object.values(subtasks).flat());
  const seen = new Set<string>();
  const ordered: [string, number][] = [];
  const visit = (name: string, depth: number): void => {
    seen.add(name);
    if (names.has(name)) ordered.push([name, depth]);
    for (const child of [...(subtasks[name] ?? [])].sort()) visit(child, depth + 1);
  };
  for (const group of Object.keys(subtasks).sort()) if (!inner.has(group)) visit(group, 0);
  for (const name of [...names].sort()) if (!seen.has(name)) ordered.push([name, 0]);
  return ordered;
}

/** Filter, shots, metric, direction, value, sign and error of each metric. */
function taskRows(name: string, numbers: Numbers, results: HarnessResults): Cell[][] {
  const shots = results['n-shot'][name];
  const keys = Object.keys(numbers).filter((key) => !['alias', 'name', 'sample_len', 'sample_count'].includes(key));
  return keys.sort().flatMap((key) => {
    const [metric, filter] = [key.slice(0, key.indexOf(',')), key.slice(key.indexOf(',') + 1)];
    if (metric.endsWith('_stderr')) return [];
    const higher = results.higher_is_better[name]?.[metric];
    const direction = higher === true ? '↑' : higher === false ? '↓' : '';
    const stderr = numbers[`${metric}_stderr,${filter}`];
    const error = stderr === undefined ? ['', ''] : ['±', stderr === 'N/A' ? '   N/A' : fixed(Number(stderr))];
    return [
      [filter, shots === undefined ? ' ' : String(shots), metric, direction, fixed(Number(numbers[key])), ...error],
    ];
  });
}

/** Python's f"{x:.4f}": JavaScript rounds halves up, Python to the even digit. Only odd multiples of 1/32 are halves. */
function fixed(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (Math.abs(x) >= 1e21) return `${BigInt(x)}.0000`;
  const thirtySeconds = Math.abs(x) * 32;
  if (thirtySeconds % 2 !== 1) return x.toFixed(4);
  const below = Math.floor(Math.abs(x) * 1e4);
  return ((Math.sign(x) * (below + (below % 2))) / 1e4).toFixed(4);
}

// ---- layout

/** What a cell is to pytablewriter. */
interface Typed {
  readonly kind: 'text' | 'blank' | 'integer' | 'real' | 'nan' | 'infinity';
  readonly text: string;
}

const NUMBER = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/;

/** It takes text that looks like a number for one, unless most cells above were other text. */
function typedColumn(cells: readonly Cell[]): Typed[] {
  const counts = new Map<Typed['kind'], number>();
  return cells.map((cell) => {
    const [usual] = [...counts].reduce((most, next) => (next[1] > most[1] ? next : most), ['blank', 0]);
    const isText = usual === 'text' && typeof cell === 'string' && cell.trim() !== '';
    const is: Typed = isText ? { kind: 'text', text: cell } : typed(cell);
    counts.set(is.kind, (counts.get(is.kind) ?? 0) + 1);
    return is;
  });
}

function typed(cell: Cell): Typed {
  const text = String(cell);
  if (text.trim() === '') return { kind: 'blank', text: '' };
  if (text === 'nan') return { kind: 'nan', text: 'NaN' };
  if (text === 'inf' || text === '-inf') return { kind: 'infinity', text: 'Infinity' };
  if (!NUMBER.test(text)) return { kind: 'text', text };
  const x = Number(text);
  if (x === 0) return { kind: 'integer', text: '0' };
  if (!Number.isInteger(x)) return { kind: 'real', text: String(x) };
  const digits = /^\s*\+?0*(-?\d+)(\.0*)?\s*$/.exec(text)?.[1];
  return { kind: 'integer', text: digits ?? String(x) };
}

interface Column {
  readonly right: boolean;
  readonly width: number;
  readonly cells: readonly string[];
}

function markdown(header: readonly string[], matrix: readonly (readonly Cell[])[]): string {
  const columns = header.map((name, i) =>
    columnOf(
      name,
      matrix.map((row) => row[i]!),
    ),
  );
  const line = (cells: readonly string[]) => `|${cells.join('|')}|\n`;
  return [
    line(columns.map(({ width }, i) => centred(header[i]!, width))),
    line(columns.map(({ width, right }) => (right ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))),
    ...matrix.map((_, r) => line(columns.map(({ cells }) => cells[r]!))),
  ].join('');
}

function columnOf(name: string, values: readonly Cell[]): Column {
  const all = typedColumn(values);
  const has = (...kinds: readonly Typed['kind'][]) => all.some(({ kind }) => kinds.includes(kind));
  const mixed = has('text');
  const numeric = !mixed && has('integer', 'real');
  const real = has('real') || (numeric && has('nan', 'infinity'));
  const digits = Math.max(0, ...all.map(({ kind, text }) => (kind === 'real' ? (text.split('.')[1] ?? '').length : 0)));
  const texts = all.map(({ kind, text }) => {
    const pointed = kind === 'real' || (kind === 'integer' && real && !mixed);
    return pointed && digits > 0 ? withDigits(text, digits) : text;
  });
  const width = Math.max(3, widthOf(name), ...texts.map(widthOf));
  const cells = texts.map((text, i) => {
    const space = ' '.repeat(width - widthOf(text));
    const right = numeric || all[i]!.kind === 'integer' || all[i]!.kind === 'real';
    return (right ? space + text : text + space).replaceAll('|', '\\|');
  });
  return { right: numeric, width, cells };
}

function withDigits(text: string, digits: number): string {
  const [whole, fraction = ''] = text.split('.');
  return `${whole}.${fraction.padEnd(digits, '0')}`;
}

function centred(text: string, width: number): string {
  const space = width - widthOf(text);
  return ' '.repeat(Math.floor(space / 2)) + text + ' '.repeat(Math.ceil(space / 2));
}

// East Asian wide and fullwidth characters, emoji among them, take two places
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += WIDE.test(char) ? 2 : 1;
  return width;
}
