// `gpt report RUN`: writes report.html and report.json of a run again, from its run.jsonl.
// `gpt report RUN RUN --out FILE.html`: one page of several runs, and FILE.json beside it.
// `gpt report EVAL EVAL --out DIR`: one report of evaluations that were made apart, from their report.json.

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { exists, makeFolder, outputPath, writeFolderAtomic } from '../base/files.js';
import { jsonText } from '../base/json.js';
import { writeReportOf } from '../report/compare/report.js';
import { mergeEvalRecords } from '../report/eval/merge.js';
import { readEvalRecord } from '../report/eval/read.js';
import { writeEvalReport } from '../report/eval/report.js';
import { readRun } from '../report/record.js';
import { writeReport } from '../report/report.js';
import type { ReportOptions, Run } from './options.js';

type Written = Promise<{ html: string; json: string }>;

export const run: Run<ReportOptions> = async ({ dirs, out, json, quiet }, context) => {
  const paths = await written(dirs, out === undefined ? undefined : outputPath(out));
  if (json) context.out(`${jsonText(paths)}\n`);
  else if (!quiet) context.out(`report  ${paths.html}\n        ${paths.json}\n`);
  return 0;
};

async function written(given: readonly string[], out: string | undefined): Written {
  const dirs = given.flatMap(runsOfAblation);
  const runs = dirs.filter((dir) => kindOf(dir, dirs.length === 1) === 'run');
  if (runs.length === dirs.length) return reportOfRuns(dirs, out);
  const evaluation = dirs.find((dir) => !runs.includes(dir))!;
  if (runs.length > 0) {
    throw new ConfigError(
      `${runs[0]} is a training run and ${evaluation} an evaluation: they have no axis in common`,
      'name folders of one kind',
    );
  }
  return reportOfEvaluations(dirs, out);
}

async function reportOfRuns(dirs: readonly string[], out: string | undefined): Written {
  const twice = dirs.find((dir, i) => dirs.findIndex((d) => path.resolve(d) === path.resolve(dir)) < i);
  if (twice !== undefined) throw new ConfigError(`${twice} is named twice`, 'name each run once');
  if (out === undefined) {
    if (dirs.length === 1) return writeReport(dirs[0]!);
    throw new ConfigError('a report of several runs needs a file of its own', 'add --out compare.html');
  }
  if (!isPage(out)) {
    throw new ConfigError(`--out ${out}: the report of a run is a page`, `name a file: --out ${out}.html`);
  }
  const found = dirs.map((dir) => ({ dir, record: readRun(path.join(dir, 'run.jsonl')) }));
  makeFolder(path.dirname(out));
  return writeReportOf(found, out);
}

async function reportOfEvaluations(dirs: readonly string[], out: string | undefined): Written {
  const [first] = dirs;
  if (out === undefined) {
    if (dirs.length === 1) return writeEvalReport(first!, readEvalRecord(path.join(first!, 'report.json')));
    throw new ConfigError('a report of several evaluations needs a folder of its own', 'add --out DIR');
  }
  if (isPage(out)) {
    throw new ConfigError(
      `--out ${out}: the report of evaluations is a folder, with the figures in it`,
      `name one: --out ${out.replace(/\.html$/i, '')}`,
    );
  }
  const record = mergeEvalRecords(dirs.map((dir) => readEvalRecord(path.join(dir, 'report.json'))));
  makeFolder(path.dirname(out));
  await writeFolderAtomic(out, async (folder) => void (await writeEvalReport(folder, record)));
  return { html: path.join(out, 'report.html'), json: path.join(out, 'report.json') };
}

const isPage = (out: string): boolean => /\.html$/i.test(out);

/** Of a run, which has a report.json too, the log tells. */
function kindOf(dir: string, alone: boolean): 'run' | 'evaluation' {
  if (exists(path.join(dir, 'run.jsonl'))) return 'run';
  if (exists(path.join(dir, 'report.json'))) return 'evaluation';
  if (alone) return 'run'; // whose missing log is the error
  throw new DataError(
    `${dir} holds neither run.jsonl of a training run nor report.json of an evaluation`,
    'name folders that gpt pretrain, gpt finetune or gpt eval --tasks wrote',
  );
}

/** The folder of gpt finetune --ablation stands for the runs in it; any other folder for itself. */
function runsOfAblation(dir: string): string[] {
  if (!exists(path.join(dir, 'ablation.json')) || exists(path.join(dir, 'run.jsonl'))) return [dir];
  const inside = readdirSync(dir).map((name) => path.join(dir, name));
  const runs = inside.filter((inner) => statSync(inner).isDirectory() && exists(path.join(inner, 'run.jsonl')));
  return runs.length > 0 ? runs.sort() : [dir];
}
