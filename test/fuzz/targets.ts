// The formats that are fuzzed.

import type { Target } from './target.js';
import { checkpointTargets } from './targets/checkpoint.js';
import { configTargets } from './targets/config.js';
import { corpusTargets } from './targets/corpus.js';
import { foreignModelTargets } from './targets/foreign_models.js';
import { rowTargets } from './targets/rows.js';
import { runLogTargets } from './targets/run_log.js';
import { safetensorsTargets } from './targets/safetensors.js';
import { tableTargets } from './targets/tables.js';
import { taskTargets } from './targets/tasks.js';
import { tokenFileTargets } from './targets/token_file.js';
import { tokenizerTargets } from './targets/tokenizer.js';

export const TARGETS: readonly Target[] = [
  ...safetensorsTargets,
  ...tokenizerTargets,
  ...configTargets,
  ...tokenFileTargets,
  ...corpusTargets,
  ...rowTargets,
  ...tableTargets,
  ...checkpointTargets,
  ...foreignModelTargets,
  ...runLogTargets,
  ...taskTargets,
];
