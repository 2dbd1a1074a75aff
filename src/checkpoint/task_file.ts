// task.json of a fine-tuned checkpoint: all that is needed, beside model and tokenizer, to use its head on new examples.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DataError } from '../base/errors.js';
import { readText } from '../base/files.js';
import { short } from '../base/format.js';
import { jsonFileText, parseJson } from '../base/json.js';
import type { HeadShape } from '../config/head.js';

const id = z.int().min(0);

const TaskFile = z.object({
  format_version: z.literal(1),
  // Transform of data/task_inputs.ts.
  form: z.enum(['classification', 'entailment', 'similarity', 'multiple-choice']),
  readout: z.enum(['pair', 'cosine']),
  lower_case: z.boolean(),
  start: id,
  delimiter: id,
  extract: id,
  // Head: headShape().
  kind: z.enum(['classes', 'score', 'choice']),
  /** Of the outputs, in order; empty for scores and choices. */
  labels: z.array(z.string()),
  /** Of the training scores: outputs are standard deviations from the mean. */
  score: z.object({ mean: z.number(), std: z.number().positive(), min: z.number(), max: z.number() }).nullable(),
  /** How examples were read, and what decides between validations. */
  format: z.string(),
  columns: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  metric: z.string(),
});

/** The content of task.json. */
export type TaskFile = Readonly<Omit<z.infer<typeof TaskFile>, 'format_version'>>;

/** The file's name in a step folder. */
export const TASK_FILE = 'task.json';

/** The file's text. */
export const taskFileText = (task: TaskFile): string => jsonFileText({ format_version: 1, ...task });

/** The task of a checkpoint folder; null: it has none. Throws DataError for a damaged file. */
export function readTaskFile(dir: string): TaskFile | null {
  const file = join(dir, TASK_FILE);
  if (!existsSync(file)) return null;
  const damaged = (what: string) => new DataError(`${file}: ${what}`, 'use another checkpoint');
  const parsed = TaskFile.safeParse(parseJson(readText(file), (message) => damaged(`not JSON: ${message}`)));
  if (parsed.success) {
    const { format_version: _, ...task } = parsed.data;
    return task;
  }
  const issue = parsed.error.issues[0]!;
  throw damaged(`${short(issue.path.join('.'))}: ${issue.message}`);
}

/** What the head of a task computes. */
export const headShape = ({ kind, readout, labels }: TaskFile): HeadShape => ({
  kind,
  readout,
  outputs: kind === 'classes' ? labels.length : 1,
});
