// What the run warned of, and lines of the log that cannot be read. The same warning stands once, with its count.

import { escapeHtml } from '../chart.js';
import type { RunRecord, UnreadableLines } from '../record.js';

const SHOWN = 5;

export function warnings({ warnings: list, unreadableLines }: RunRecord): string {
  const boxes = [...distinct(list), ...unreadable(unreadableLines)].map(
    ({ what, fix }) => `<div class="warning"><p>${escapeHtml(what)}</p><p class="muted">${escapeHtml(fix)}</p></div>`,
  );
  const more = boxes.slice(SHOWN);
  const folded = `<details><summary>${more.length} more warnings</summary>${more.join('')}</details>`;
  return `${boxes.slice(0, SHOWN).join('')}${more.length > 0 ? folded : ''}`;
}

type Warning = { readonly what: string; readonly fix: string };

function distinct(list: RunRecord['warnings']): Warning[] {
  const counts = new Map<string, Warning & { count: number }>();
  for (const { what, fix } of list) {
    const key = `${what}\n${fix}`;
    counts.set(key, { what, fix, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].map(({ what, fix, count }) => ({
    what: count > 1 ? `${what} (${count} times)` : what,
    fix,
  }));
}

function unreadable({ count, first }: UnreadableLines): Warning[] {
  if (count === 0) return [];
  const where = first.map(({ line, problem }) => `line ${line}: ${problem}`);
  if (count > first.length) where.push('...');
  return [
    {
      what: `${count === 1 ? '1 line' : `${count} lines`} of run.jsonl cannot be read: ${where.join('; ')}`,
      fix: 'A killed run leaves half a line, and one that goes on may be writing its last: then there is nothing to do.',
    },
  ];
}
