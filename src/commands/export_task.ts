// Head and tokenizer of a fine-tuned checkpoint, for the exports that have them: transformers' classifier and PEFT's.

import type { Head } from '../checkpoint/hf_classifier.js';
import type { Checkpoint } from '../checkpoint/store.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import { hfTaskTokenizerFiles } from '../tokenizer/hf_task_files.js';
import { loadTokenizer } from '../tokenizer/load.js';

/** Values of the head. */
export const headOf = ({ head }: Checkpoint): Head => ({
  weight: head.get('head.weight')!(),
  bias: head.get('head.bias')!(),
});

/** The tokenizer's files with the template of the task, and its end-of-text, which no sequence ends with. */
export async function taskTokenizer(
  { dir, model }: Checkpoint,
  { start, delimiter, extract, lower_case }: TaskFile,
): Promise<{ eot: number; files: ReadonlyMap<string, string> }> {
  const tokenizer = await loadTokenizer(dir);
  const ids = [start, delimiter, extract] as const;
  const files = hfTaskTokenizerFiles(tokenizer, { ids, n_ctx: model.n_ctx, lowerCase: lower_case });
  return { eot: tokenizer.eot, files };
}
