// Pages that are written where the user says: one of several runs, or one run's report away from its folder. Beside
// NAME.html stands NAME.json with the numbers.

import { closeSync, openSync, readSync } from 'node:fs';
import { ConfigError } from '../../base/errors.js';
import { diskError, exists, writeFileAtomic } from '../../base/files.js';
import { jsonText } from '../../base/json.js';
import { reportHtml } from '../html.js';
import type { RunRecord } from '../record.js';
import { reportJson } from '../summary.js';
import { compareRuns } from './compare.js';
import { compareHtml } from './html.js';

/** Returns the paths. Throws ConfigError where a file is there that is no report, or runs cannot be compared. */
export async function writeReportOf(
  found: readonly { readonly dir: string; readonly record: RunRecord }[],
  html: string,
): Promise<{ html: string; json: string }> {
  const json = html.replace(/\.html$/i, '.json');
  requireReport(html, /· gpt report<\/title>/);
  requireReport(json, /^\{"format":"gpt-/);
  const [only] = found;
  const comparison = found.length > 1 ? compareRuns(found) : undefined;
  const [page, numbers] = comparison
    ? [compareHtml(comparison), comparison]
    : [reportHtml(only!.record), reportJson(only!.record)];
  await writeFileAtomic(html, page);
  await writeFileAtomic(json, `${jsonText(numbers)}\n`);
  return { html, json };
}

const HEAD_BYTES = 4096;

/** A report may be written anew; any other file is the user's. */
function requireReport(path: string, mark: RegExp): void {
  if (!exists(path)) return;
  const head = Buffer.alloc(HEAD_BYTES);
  let length: number;
  try {
    const fd = openSync(path, 'r');
    try {
      length = readSync(fd, head);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw diskError('read', path, error);
  }
  if (mark.test(head.toString('utf8', 0, length))) return;
  throw new ConfigError(`${path} is there already, and is no report of gpt`, 'give another name with --out');
}
