// A line on the terminal that says how far a command is, and replaces itself.

import type { CommandContext, GlobalOptions } from './options.js';

/** Shows a line ten times a second at most; null removes it. Nothing without a terminal, with --quiet or --json. */
export function progressLine(
  { quiet, json }: GlobalOptions,
  context: CommandContext,
): (line: (() => string) | null) => void {
  let shown = 0;
  return (line) => {
    if (!context.isTty || quiet || json) return;
    if (line === null) {
      if (shown > 0) context.err('\r\x1b[K');
      return;
    }
    const now = performance.now();
    if (now - shown < 100) return;
    shown = now;
    context.err(`\r\x1b[K${line()}`);
  };
}
