// Blocks of text on a terminal: labelled lines, tables, and what colours mean.

import { short } from '../base/format.js';

/** Gives text a meaning that a colour shows; without colours the text itself. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly accent: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** Colours of the terminal's own palette, so that they fit light and dark ones. */
export function painter(color: boolean): Paint {
  const style = (code: number, reset: number) => (text: string) =>
    color && text !== '' ? `\x1b[${code}m${text}\x1b[${reset}m` : text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    accent: style(36, 39),
    good: style(32, 39),
    warn: style(33, 39),
    bad: style(31, 39),
  };
}

/** Width of a label; what follows is indented by it. */
export const LABEL = 9;

/** A labelled line of parts; goes on below its first part where it meets the edge. */
export function row(label: string, parts: readonly string[], columns: number, paint: Paint): string {
  const lines: string[] = [];
  for (const part of parts.filter((p) => p !== '')) {
    const last = lines.at(-1);
    const joined = `${last} · ${part}`;
    if (last !== undefined && LABEL + joined.length < columns) lines[lines.length - 1] = joined;
    else lines.push(part);
  }
  const indent = ' '.repeat(LABEL);
  return `${paint.bold(label.padEnd(LABEL))}${lines.join(`\n${indent}`)}\n`;
}

/** Cells in columns two spaces apart, indented like the parts of a row(). The first line is dimmed: the names. */
export function textTable(
  lines: readonly (readonly string[])[],
  { left, paint }: { readonly left: number; readonly paint: Paint }, // so many columns are aligned to the left
): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map((line, l) => {
      const cells = line.map((cell, i) => (i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
      const text = cells.join('  ').trimEnd();
      return `${' '.repeat(LABEL)}${l === 0 ? paint.dim(text) : text}\n`;
    })
    .join('');
}

/** Columns that a textTable() of these cells takes up. */
export const tableWidth = (lines: readonly (readonly string[])[]): number =>
  (lines[0] ?? []).reduce((sum, _, i) => sum + 2 + Math.max(...lines.map((line) => line[i]?.length ?? 0)), LABEL - 2);

/** Text of an example on one line of at most this length. */
export const oneLine = (text: string, length: number): string =>
  short(text.replaceAll('\n', ' | ').replace(/\s+/g, ' '), Math.max(8, length));
