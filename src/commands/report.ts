// `gpt report RUN`: writes report.html and report.json of a run again, from its run.jsonl.
// `gpt report EVAL EVAL --out DIR`: one report of evaluations that were made apart, from their report.json.

import path from 'node:path';
import { ConfigError } from '../base/errors.js';
import { exists, makeFolder, outputPath, writeFolderAtomic } from '../base/files.js';
import { jsonText } from '../base/json.js';
import { mergeEvalRecords } from '../report/eval/merge.js';
import { readEvalRecord } from '../report/eval/read.js';
import { writeEvalReport } from '../report/eval/report.js';
import { writeReport } from '../report/report.js';
import type { ReportOptions, Run } from './options.js';

export const run: Run<ReportOptions> = async ({ dirs, out, json, quiet }, context) => {
  const paths = await written(dirs, out === undefined ? undefined : outputPath(out));
  if (json) context.out(`${jsonText(paths)}\n`);
  else if (!quiet) context.out(`report  ${paths.html}\n        ${paths.json}\n`);
  return 0;
};

async function written(dirs: readonly string[], out: string | undefined): Promise<{ html: string; json: string }> {
  const [first] = dirs;
  if (dirs.length === 1 && out === undefined && (exists(path.join(first!, 'run.jsonl')) || !isEvaluation(first!))) {
    return writeReport(first!);
  }
  const run = dirs.find((dir) => !isEvaluation(dir));
  if (run !== undefined) {
    throw new ConfigError(`${run} holds no report.json of an evaluation`, 'name folders that gpt eval --tasks wrote');
  }
  if (out === undefined) {
    if (dirs.length === 1) return writeEvalReport(first!, readEvalRecord(path.join(first!, 'report.json')));
    throw new ConfigError('a report of several evaluations needs a folder of its own', 'add --out DIR');
  }
  const record = mergeEvalRecords(dirs.map((dir) => readEvalRecord(path.join(dir, 'report.json'))));
  makeFolder(path.dirname(out));
  await writeFolderAtomic(out, async (folder) => void (await writeEvalReport(folder, record)));
  return { html: path.join(out, 'report.html'), json: path.join(out, 'report.json') };
}

/** Of a run, which has a report.json too, the log tells. */
const isEvaluation = (dir: string): boolean =>
  exists(path.join(dir, 'report.json')) && !exists(path.join(dir, 'run.jsonl'));
