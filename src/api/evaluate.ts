// `gpt eval` of a text as a function.

import type { Perplexity } from '../eval/perplexity.js';
import { type Compute, computeOptions, inTurn, silentContext } from './context.js';

/** Which model, on what. */
export interface EvaluateOptions extends Compute {
  /** Run folder, step folder or Hugging Face folder. */
  readonly checkpoint: string;
  /** Text: files, folders or globs. By default what the run held out. */
  readonly data?: string | readonly string[];
  /** How a text is cut into windows of the model's context; by default side by side. */
  readonly window?: 'disjoint' | 'strided' | 'rolling';
  /** Tokens from one strided window to the next. */
  readonly stride?: number;
}

/** Perplexity of a text, and what it was measured on. Named as in `gpt eval --json`. */
export interface Evaluation extends Perplexity {
  /** Step or model folder. */
  readonly checkpoint: string;
  /** Where it was computed. */
  readonly backend: string;
  /** Of the text, as are the next three. */
  readonly documents: number;
  /** By the model's tokenizer. */
  readonly tokens: number;
  /** Split at white space. */
  readonly words: number;
  /** In UTF-8. */
  readonly bytes: number;
  /** Sum of -ln p over the tokens. */
  readonly nats: number;
}

/** Measures perplexity. Throws ConfigError, DataError, DeviceError. */
export function evaluate({ checkpoint, data, window, stride, ...compute }: EvaluateOptions): Promise<Evaluation> {
  return inTurn(async () => {
    const { run } = await import('../commands/eval.js');
    let said = '';
    const context = silentContext({ argv: ['eval', checkpoint], out: (text) => (said += text) });
    const texts = { data: data === undefined ? undefined : [data].flat(), window, stride, batch: undefined };
    const labelled = { task: undefined, format: 'auto', columns: {}, onBadRow: 'fail' } as const;
    const source = { tasks: [], tasksDirs: [], taskFiles: [], dataRoots: [], trainRows: undefined };
    const inContext = {
      source,
      shots: [],
      protocol: 'harness',
      demonstrations: 'right',
      limit: undefined,
      seed: 0,
      bootstrap: undefined,
      contamination: [],
      logSamples: false,
      plot: false,
      cache: false,
    } as const;
    const common = { ...computeOptions(compute), checkpoints: [checkpoint], out: undefined };
    await run({ ...common, ...texts, detokenize: 'none', textKey: 'text', ...labelled, ...inContext }, context);
    return JSON.parse(said) as Evaluation;
  });
}
