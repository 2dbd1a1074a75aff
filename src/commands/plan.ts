// `gpt plan` and `gpt pretrain --dry-run`: what a run is made of and what it takes, before anything is allocated.
// The numbers are plan_figures.ts's, the words plan_text.ts's. No TensorFlow.js is loaded.

import { totalmem } from 'node:os';
import { ConfigError } from '../base/errors.js';
import { quoted } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { chooseMicroBatch, memorySettings, trainingMemory } from '../config/memory.js';
import { resolveModel } from '../config/model_shape.js';
import type { RunConfig } from '../config/schema.js';
import { Schedule } from '../train/schedule.js';
import { keptLimits } from './kept_limits.js';
import type { CommandContext, PlanOptions, PlanView, Run } from './options.js';
import { planFigures, type RunPlan } from './plan_figures.js';
import { figuresText } from './plan_text.js';

export { planFigures as planJson, requirePlannedMemory } from './plan_figures.js';

/**
 * Memory that this process may take, in bytes: what is free or can be freed, within the limits of its cgroup.
 * GPT_MEMORY (bytes) states another limit. Throws ConfigError when that is no number.
 */
export function availableMemory({ env }: Pick<CommandContext, 'env'>): number {
  const stated = env['GPT_MEMORY'];
  if (!stated) return Math.min(totalmem(), process.availableMemory() + process.memoryUsage.rss());
  if (Number(stated) > 0) return Number(stated);
  throw new ConfigError(`GPT_MEMORY is ${quoted(stated)}`, 'give a number of bytes, or leave it out');
}

/** Plans a run on a vocabulary of so many tokens. trainTokens: of one epoch; null: not known. */
export function planRun(
  settings: RunConfig,
  vocabSize: number,
  trainTokens: number | null,
  context: Pick<CommandContext, 'env'>,
  { portable = false, gpuMemory }: { portable?: boolean; gpuMemory?: number | undefined } = {},
): RunPlan {
  const shape = resolveModel(settings.model, vocabSize);
  const available = gpuMemory ?? availableMemory(context);
  const machine = { portable, gpu: gpuMemory !== undefined };
  const microBatch = chooseMicroBatch(shape, settings.train, available, machine);
  const inEpochs = settings.train.max_steps === undefined && settings.train.max_tokens === undefined;
  const schedule =
    inEpochs && trainTokens === null
      ? null
      : new Schedule(settings.train, microBatch * shape.n_ctx, trainTokens ?? Number.NaN);
  const memory = trainingMemory(shape, { microBatch, ...memorySettings(settings.train, machine) });
  const limits = keptLimits(context.env);
  return { shape, settings, microBatch, machine, memory, schedule, available, limits };
}

/** The plan for a reader. */
export const planText = (plan: RunPlan, name: string, view: PlanView = {}): string =>
  figuresText(planFigures(plan, name, view));

export const run: Run<PlanOptions> = async (options, context) => {
  const { loadConfig } = await import('../config/load.js');
  const { nativeIsBuilt } = await import('../backends/build_folder.js');
  const { vocabularyOf } = await import('./run_data.js');
  const portable = !nativeIsBuilt();
  const config = loadConfig({ file: options.config, flags: options.flags, portable });
  const vocabulary = await vocabularyOf(config.run);
  const plan = planRun(config.run, vocabulary ?? 100, options.tokens ?? null, context, { portable });
  if (options.json) {
    context.out(`${jsonText(planFigures(plan, config.name, options.view))}\n`);
    return 0;
  }
  context.out(planText(plan, config.name, options.view));
  if (vocabulary === null) context.out('\nThe characters of the text make the vocabulary: 100 are assumed here.\n');
  return 0;
};
