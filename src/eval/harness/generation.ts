// generation_kwargs of a task file: how text is generated, and where it ends.
//
// lm-evaluation-harness takes max_gen_toks by four names, and ends at fewshot_delimiter where nothing else is said. Without
// do_sample a temperature above 0 samples; do_sample: false wins over it.

import { ConfigError } from '../../base/errors.js';
import type { GenerateRequest } from '../request.js';
import type { TaskConfig } from './task_file.js';

/** generation_kwargs with the defaults that lm-evaluation-harness adds. */
export function generationKwargs({
  generation_kwargs: own,
  fewshot_delimiter: end,
}: TaskConfig): Readonly<Record<string, unknown>> {
  if (own === null) return { temperature: 0, do_sample: false, max_gen_toks: 256, until: [end] };
  return {
    ...own,
    ...('temperature' in own && { temperature: Number(own['temperature']) }),
    until: own['until'] ?? [end],
  };
}

/** A request without its context: lm_eval/models/utils.py, normalize_gen_kwargs. Throws ConfigError for wrong settings. */
export function generation(config: TaskConfig): GenerateRequest {
  const kwargs = generationKwargs(config);
  const until = Array.isArray(kwargs['until']) ? kwargs['until'] : [kwargs['until']];
  const most = ['max_gen_toks', 'max_new_tokens', 'max_tokens', 'max_completion_tokens'].map((key) => kwargs[key]);
  const max_gen_toks = Math.trunc(Number(most.find((value) => value !== undefined && value !== null) ?? 256));
  const temperature = kwargs['do_sample'] === false ? 0 : Number(kwargs['temperature'] ?? 0);
  if (!(max_gen_toks > 0) || !(temperature >= 0) || !until.every((stop) => typeof stop === 'string')) {
    throw new ConfigError(
      `task ${config.task}: generation_kwargs: ${JSON.stringify(kwargs)}`,
      'until is text or a list of text, max_gen_toks a number above 0, temperature a number from 0',
    );
  }
  return { kind: 'generate', context: '', until: until.filter((stop) => stop !== ''), max_gen_toks, temperature };
}

const USED = new Set([
  'until',
  'max_gen_toks',
  'max_new_tokens',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'do_sample',
]);

/** A sentence on the settings that have no effect here. */
export function ignoredSettings({ task, generation_kwargs: own }: TaskConfig): string[] {
  const ignored = Object.keys(own ?? {}).filter((key) => !USED.has(key));
  return ignored.length > 0 ? [`task ${task}: generation_kwargs ${ignored.join(', ')} have no effect`] : [];
}
