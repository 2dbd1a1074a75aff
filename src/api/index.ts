// What `import ... from 'tfgpt'` gives: the commands as functions, and a model that a program can ask. Thin: the work is
// done by src/commands and below. docs/api.md has an example, `npm run docs:api` makes the reference in build/api.
//
// Nothing is printed and no signal is handled: a run tells onEvent what happens, and stops by an AbortSignal. What a user
// can do wrong throws a GptError, with the command line's message. The environment's GPT_ variables count here too.

export {
  ConfigError,
  DataError,
  DeviceError,
  DivergedError,
  type ExitCode,
  GptError,
  MemoryError,
} from '../base/errors.js';
export type {
  CheckpointEvent,
  EndEvent,
  EvalEvent,
  RunEvent,
  SampleEvent,
  StartEvent,
  StepEvent,
  ValEvent,
  WarningEvent,
} from '../base/events.js';
export type { BackendName } from '../commands/options.js';
export type { AttentionKind, ResolvedModel } from '../config/model_shape.js';
export type { FinetuneConfig, RunConfig } from '../config/schema.js';
export type { Perplexity } from '../eval/perplexity.js';
export type { Generated } from '../generate/engine.js';
export type { RunRecord } from '../report/record.js';
export type { StreamDecoder, Tokenizer } from '../tokenizer/tokenizer.js';
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js';
export { type GenerateOptions, type LoadOptions, loadModel, type Model } from './model.js';
export { readRun } from './run.js';
export {
  type BestStep,
  type FinetuneOptions,
  finetune,
  type Overrides,
  type PretrainOptions,
  pretrain,
  type TrainingResult,
} from './train.js';
