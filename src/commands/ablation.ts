// `gpt finetune --ablation`: what pretraining and the auxiliary loss give, as in the GPT-1 paper's table 5. Each variant is
// an ordinary run, for each of --seeds seeds, in a process of its own and a folder inside the ablation's:
//
//   pretrained     as configured
//   no LM loss     finetune.lm_coef 0
//   from scratch   finetune.init random: the same model without its pretraining

import { spawn } from 'node:child_process';
import path from 'node:path';
import { DataError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { jsonFileText } from '../base/json.js';
import { isFinal, metricLabel, metricText } from '../base/task_result.js';
import { uniqueRunDir } from '../checkpoint/store.js';
import { readRun } from '../report/record.js';
import type { CommandContext, FinetuneOptions } from './options.js';

const VARIANTS = [
  { name: 'pretrained', folder: 'pretrained', flags: [] },
  { name: 'no LM loss', folder: 'no-lm-loss', flags: ['--finetune.lm_coef', '0'] },
  { name: 'from scratch', folder: 'from-scratch', flags: ['--finetune.init', 'random'] },
] as const;

type Row = {
  readonly variant: string;
  readonly split: string;
  readonly metric: string;
  /** One per seed. */
  readonly values: readonly number[];
  readonly mean: number;
  /** Over seeds; with one seed by bootstrap over examples. */
  readonly error: number;
};

/** Runs all variants one after the other; `out` is the folder that theirs lie in. */
export async function runAblation(
  { seed, out, options }: { seed: number; out: string; options: FinetuneOptions },
  context: CommandContext,
): Promise<number> {
  const dir = await uniqueRunDir(path.dirname(out), path.basename(out));
  const rows: Row[] = [];
  for (const { name, folder, flags } of VARIANTS) {
    const finals: { split: string; metric: string; value: number; stderr: number }[] = [];
    for (let s = 0; s < options.seeds; s++) {
      const run = path.join(dir, `${folder}-${seed + s}`);
      context.err(`\n${name}, seed ${seed + s}\n`);
      const code = await runGpt([...argumentsOf(options, run), ...flags, '--train.seed', `${seed + s}`], options.json);
      if (code !== 0) return code;
      const found = await finalsOf(run);
      if (found.length === 0) throw unfinished(run);
      finals.push(...found);
    }
    for (const key of new Set(finals.map(({ split, metric }) => `${split} ${metric}`))) {
      const same = finals.filter(({ split, metric }) => `${split} ${metric}` === key);
      rows.push(rowOf(name, same));
    }
    await writeFileAtomic(path.join(dir, 'ablation.json'), jsonFileText(rows)); // what there is so far
  }
  context.out(options.json ? jsonFileText(rows) : table(rows, options.seeds));
  if (!options.json) context.out(`\nruns and ablation.json in ${dir}\n`);
  return 0;
}

const unfinished = (run: string): DataError =>
  new DataError(`${run} stopped before its end: there is nothing to compare`, 'leave --max-minutes out');

/** A child of the same program, with the same terminal; its summary is no part of --json. */
function runGpt(args: readonly string[], json: boolean): Promise<number> {
  const script = process.argv[1]!;
  const child = spawn(process.execPath, [script, ...args], { stdio: ['inherit', json ? 2 : 'inherit', 'inherit'] });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGTERM', forward);
  process.on('SIGINT', ignore); // a terminal sends it to the child too
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGTERM', forward);
      process.off('SIGINT', ignore);
      resolve(code ?? (signal === 'SIGKILL' ? 137 : 1));
    });
  });
}

const ignore = (): void => {};

function argumentsOf(options: FinetuneOptions, out: string): string[] {
  const { checkpoint, config, backend, device, threads, flags, quiet, json } = options;
  return [
    ...['finetune', checkpoint!, ...(config === undefined ? [] : [config]), '--out', out, '--backend', backend],
    ...(device === undefined ? [] : ['--device', `${device}`]),
    ...(threads === undefined ? [] : ['--threads', `${threads}`]),
    ...(quiet || json ? ['--quiet'] : []),
    ...flags,
  ];
}

/** The measured metrics of a run's best checkpoint. */
async function finalsOf(run: string) {
  const { evals } = await readRun(path.join(run, 'run.jsonl'));
  return evals
    .filter(isFinal)
    .flatMap(({ name, metrics }) =>
      Object.entries(metrics).map(([metric, { value, stderr = 0 }]) => ({ split: name, metric, value, stderr })),
    );
}

function rowOf(variant: string, same: { split: string; metric: string; value: number; stderr: number }[]): Row {
  const { split, metric } = same[0]!;
  const values = same.map(({ value }) => value);
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, n - 1));
  return { variant, split, metric, values, mean, error: n > 1 ? deviation : same[0]!.stderr };
}

function table(rows: readonly Row[], seeds: number): string {
  const line = (cells: readonly string[]) =>
    `${cells.map((cell, i) => (i < 3 ? cell.padEnd(14) : cell.padStart(9))).join('')}\n`;
  const head = line(['variant', 'split', 'metric', 'mean', '+-']);
  const body = rows.map(({ variant, split, metric, mean, error }) =>
    line([variant, split, metricLabel(metric), metricText(mean), metricText(error)]),
  );
  const what = seeds > 1 ? `standard deviation over ${seeds} seeds` : 'standard error by bootstrap (one seed)';
  return `\n${head}${body.join('')}+-: ${what}\n`;
}
