// Tables of the report. Every text is escaped here.

import { escapeHtml } from './chart.js';

/** A column; numbers stand to the right, and do not wrap; nor do `whole` names. */
export interface Column {
  readonly name: string;
  readonly numeric?: boolean;
  readonly whole?: boolean;
  /** Text of a fixed width. */
  readonly code?: boolean;
  /** Its cells are shares from 0 to 1, drawn as bars. */
  readonly bar?: boolean;
}

/** A row; `own` sets it in bold, `quiet` some of its cells in grey, `best` some in bold with a star, by their places. */
export interface Row {
  readonly cells: readonly string[];
  readonly own?: boolean;
  readonly quiet?: readonly number[];
  readonly best?: readonly number[];
  /** CSS colour of its bars. */
  readonly color?: string;
}

/** A table that scrolls sideways where the page is narrow. `key`: HTML in front of the first cell of each row. */
export function dataTable(
  columns: readonly Column[],
  rows: readonly Row[],
  { caption, key = () => '' }: { caption?: string; key?: (row: number) => string } = {},
): string {
  const classes = (i: number, more: readonly string[]) => {
    const { numeric, whole, bar } = columns[i] ?? {};
    const all = [...(numeric ? ['n'] : whole ? ['w'] : []), ...(bar ? ['bar'] : []), ...more];
    return all.length > 0 ? ` class="${all.join(' ')}"` : '';
  };
  const content = (text: string, i: number) => {
    if (columns[i]?.bar) return `<i style="width:${barWidth(text)}%"></i>`;
    return columns[i]?.code ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text);
  };
  const head = columns.map(({ name }, i) => `<th scope="col"${classes(i, [])}>${escapeHtml(name)}</th>`);
  const lines = rows.map(({ cells, own, quiet = [], best = [], color }, r) => {
    const cell = (text: string, i: number) => {
      const more = [...(quiet.includes(i) ? ['muted'] : []), ...(best.includes(i) ? ['best'] : [])];
      const star = best.includes(i) ? '<span class="star" title="best">★</span> ' : '';
      return `<td${classes(i, more)}>${i === 0 ? key(r) : ''}${star}${content(text, i)}</td>`;
    };
    return `<tr${own ? ' class="own"' : ''}${color === undefined ? '' : ` style="--bar:${color}"`}>${cells.map(cell).join('')}</tr>`;
  });
  const title = caption === undefined ? '' : `<caption>${escapeHtml(caption)}</caption>\n`;
  return `<div class="scroll"><table>${title}${[`<thead><tr>${head.join('')}</tr></thead>`, ...lines].join('\n')}</table></div>`;
}

const barWidth = (share: string): string => Math.max(0, Math.min(100, 100 * Number(share) || 0)).toFixed(1);

/** Names and what stands behind them. */
export function keyValueTable(rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([k, v]) => `<tr><th scope="row">${escapeHtml(k)}</th><td class="key">${escapeHtml(v)}</td></tr>`,
  );
  return `<table class="pairs">${lines.join('\n')}</table>`;
}
