// What a terminal reporter writes.

import { Writable } from 'node:stream';
import type { RunEvent } from '../../src/base/events.js';
import { terminalReporter } from '../../src/cli/terminal.js';

/** stdout and stderr of a reporter that saw these events. */
export async function show(
  events: readonly RunEvent[],
  options: { isTTY?: boolean; columns?: number; color?: boolean; quiet?: boolean; json?: boolean } = {},
): Promise<{ out: string; err: string }> {
  const { isTTY = false, columns = 80, color = false, quiet = false, json = false } = options;
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk);
        done();
      },
    });
  const out = Object.assign(stream('out'), { isTTY, columns });
  const err = stream('err');
  const reporter = terminalReporter({ out, err, color, quiet, json });
  for (const event of events) reporter.on(event);
  await reporter.close();
  return written;
}
