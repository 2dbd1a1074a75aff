// A line on the terminal that says how far a command is, and replaces itself.

import type { CommandContext, GlobalOptions } from './options.js';

const LINE_MS = 100;
const LOG_MS = 30_000;

/**
 * Shows a line ten times a second at most; null removes it. Nothing with --quiet or --json, and without a terminal only
 * where it is to be logged: a line of its own twice a minute, for work of hours.
 */
export function progressLine(
  { quiet, json }: Pick<GlobalOptions, 'quiet' | 'json'>,
  { isTty, columns, err }: Pick<CommandContext, 'isTty' | 'columns' | 'err'>,
  { log = false } = {},
): (line: (() => string) | null) => void {
  const started = performance.now();
  let shown = 0;
  return (line) => {
    if (quiet || json || !(isTty || log)) return;
    if (line === null) {
      if (isTty && shown > 0) err('\r\x1b[K');
      return;
    }
    const now = performance.now();
    if (now - (isTty ? shown : Math.max(shown, started)) < (isTty ? LINE_MS : LOG_MS)) return;
    shown = now;
    err(isTty ? `\r\x1b[K${line().slice(0, columns - 1)}` : `${line()}\n`);
  };
}
