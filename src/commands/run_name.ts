// Names of runs: --out, and what fine-tuning calls a run without it.

import path from 'node:path';
import { ConfigError } from '../base/errors.js';
import { outputPath } from '../base/files.js';
import { STEP } from '../checkpoint/run_folder.js';

/** The folder that a new run is to have. Throws ConfigError for what is no name of one. */
export function requireName(out: string): string {
  const dir = outputPath(out);
  const name = path.basename(dir);
  const isStep = STEP.test(name);
  if (!isStep && !/^\.{0,2}$/.test(name)) return dir;
  throw new ConfigError(
    `--out ${JSON.stringify(out)} ${isStep ? 'is the name of a step inside a run' : 'does not name a folder'}`,
    'give a new name: --out checkpoints/my-run',
  );
}

/** checkpoints/RUN-TASK for a checkpoint of run RUN: the run's own folder, or one of its steps. */
export function finetuneName(checkpoint: string, task: string): string {
  const { dir, base } = path.parse(path.resolve(checkpoint));
  return path.join('checkpoints', `${STEP.test(base) ? path.basename(dir) : base}-${task}`);
}
