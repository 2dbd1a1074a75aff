// The files of other programs have one form here: a model that is read like a Hugging Face folder, with a report of its
// tensors. Formats: hf_source.ts, llmc.ts, nanogpt.ts, gpt1_original.ts; which one a path has: open_foreign.ts.

import type { ResolvedModel } from '../config/model_shape.js';
import type { HfModel } from './hf.js';
import type { TensorReport } from './tensor_report.js';

/** gelu_new: the tanh form of GELU; gelu: with erf. */
export type Activation = ResolvedModel['activation_function'];

/** An open model of another program: names and layout of Hugging Face's, values read on demand. */
export interface ForeignModel extends HfModel {
  /** "llm.c, float32", "nanoGPT, step 3": for the user. */
  readonly format: string;
  /** What the file left open and was decided here, one sentence each. */
  readonly notes: readonly string[];
  readonly report: TensorReport;
}
