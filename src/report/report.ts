// The report of a run folder: run.jsonl in, report.html and report.json out.

import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.js';
import { reportHtml } from './html.js';
import { readRun } from './record.js';
import { reportJson } from './summary.js';

/** Writes both files and returns their paths. Throws DataError when the folder holds no log or cannot be written. */
export async function writeReport(dir: string): Promise<{ html: string; json: string }> {
  const record = readRun(join(dir, 'run.jsonl'));
  const html = join(dir, 'report.html');
  const json = join(dir, 'report.json');
  await writeFileAtomic(html, reportHtml(record));
  await writeFileAtomic(json, `${JSON.stringify(reportJson(record))}\n`);
  return { html, json };
}
