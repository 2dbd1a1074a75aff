// The folder of a run, as far as people and other programs read it:
//
//   run.jsonl                  every event, written while the run goes on; the source of everything else
//   events.out.tfevents.*      the same for TensorBoard
//   report.html, report.json   derived from run.jsonl alone, at the end of a run or by `gpt report`

import { join } from 'node:path';
import type { Reporter } from '../base/events.js';
import { writeFileAtomic } from '../base/files.js';
import { jsonText } from '../base/json.js';
import { reportHtml } from './html.js';
import { both } from './observers.js';
import { jsonlReporter, readRun } from './record.js';
import { reportJson } from './summary.js';
import { tensorboardReporter } from './tensorboard.js';

/** Records a run in its folder, which must exist. Throws DataError when the log cannot be written. */
export function recordRun(dir: string): Reporter {
  return both(jsonlReporter(join(dir, 'run.jsonl')), tensorboardReporter(dir));
}

/** Writes the report and returns its paths. Throws DataError when the folder holds no log or cannot be written. */
export async function writeReport(dir: string): Promise<{ html: string; json: string }> {
  const record = readRun(join(dir, 'run.jsonl'));
  const html = join(dir, 'report.html');
  const json = join(dir, 'report.json');
  await writeFileAtomic(html, reportHtml(record));
  await writeFileAtomic(json, `${jsonText(reportJson(record))}\n`);
  return { html, json };
}
