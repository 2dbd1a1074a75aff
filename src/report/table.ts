// Tables of the report. Every text is escaped here.

import { escapeHtml } from './chart.js';

/** A column; numbers stand to the right, and do not wrap; nor do `whole` names. */
export interface Column {
  readonly name: string;
  readonly numeric?: boolean;
  readonly whole?: boolean;
}

/** A row; `own` sets it in bold, `quiet` some of its cells, by their places, in grey. */
export interface Row {
  readonly cells: readonly string[];
  readonly own?: boolean;
  readonly quiet?: readonly number[];
}

/** A table that scrolls sideways where the page is narrow. */
export function dataTable(columns: readonly Column[], rows: readonly Row[]): string {
  const cell = (tag: 'td' | 'th', quiet: readonly number[]) => (text: string, i: number) => {
    const classes = [columns[i]?.numeric ? 'n' : columns[i]?.whole ? 'w' : '', quiet.includes(i) ? 'muted' : ''].filter(
      (c) => c !== '',
    );
    return `<${tag}${classes.length > 0 ? ` class="${classes.join(' ')}"` : ''}>${escapeHtml(text)}</${tag}>`;
  };
  const head = `<tr>${columns.map(({ name }, i) => cell('th', [])(name, i)).join('')}</tr>`;
  const lines = rows.map(
    ({ cells, own, quiet = [] }) =>
      `<tr${own ? ' class="own"' : ''}>${cells.map((text, i) => cell('td', quiet)(text, i)).join('')}</tr>`,
  );
  return `<div class="scroll"><table>${[head, ...lines].join('\n')}</table></div>`;
}

/** Names and what stands behind them. */
export function keyValueTable(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([k, v]) => `<tr><td class="muted">${escapeHtml(k)}</td><td class="key">${escapeHtml(v)}</td></tr>`,
  );
  return `<table>${lines.join('\n')}</table>`;
}
