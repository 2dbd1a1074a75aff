// Tables of the report. Every text is escaped here.

import { escapeHtml } from './chart.js';

/** A column; numbers stand to the right. */
export interface Column {
  readonly name: string;
  readonly numeric?: boolean;
}

/** A row; `own` sets it in bold. */
export interface Row {
  readonly cells: readonly string[];
  readonly own?: boolean;
}

/** A table that scrolls sideways where the page is narrow. */
export function dataTable(columns: readonly Column[], rows: readonly Row[]): string {
  const cell = (tag: 'td' | 'th') => (text: string, i: number) =>
    `<${tag}${columns[i]?.numeric ? ' class="n"' : ''}>${escapeHtml(text)}</${tag}>`;
  const head = `<tr>${columns
    .map(({ name }) => name)
    .map(cell('th'))
    .join('')}</tr>`;
  const lines = rows.map(({ cells, own }) => `<tr${own ? ' class="own"' : ''}>${cells.map(cell('td')).join('')}</tr>`);
  return `<div class="scroll"><table>${[head, ...lines].join('\n')}</table></div>`;
}

/** Names and what stands behind them. */
export function keyValueTable(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([k, v]) => `<tr><td class="muted">${escapeHtml(k)}</td><td class="key">${escapeHtml(v)}</td></tr>`,
  );
  return `<table>${lines.join('\n')}</table>`;
}
