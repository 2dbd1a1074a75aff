// report.json of an evaluation, read again: to merge evaluations, or to draw one anew. Keys that a later gpt adds are
// skipped, and so are the figures, which are derived from the rest.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DataError } from '../../base/errors.js';
import type { EvalRecord } from '../../base/eval_record.js';
import { parseJson } from '../../base/json.js';

const text = z.string();
const whole = z.int().min(0);
/** A number that is not finite is a string in JSON (base/json.ts). */
const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);

const Run = z.object({
  model: whole,
  task: text,
  alias: text,
  members: z.array(text).nullable(),
  version: text,
  protocol: z.enum(['harness', 'gpt3']),
  asked: text,
  shots: z.number().min(0), // of a group the mean
  docs: whole,
  docs_of: whole,
  requests: whole,
  truncated: whole,
  seconds: number,
  metrics: z.array(
    z.object({ metric: text, filter: text, value: number, stderr: number.nullable(), higher_is_better: z.boolean() }),
  ),
  chance: number.nullable(),
  majority: number.nullable(),
  contamination: z
    .object({ n: whole, dirty: whole, clean_value: number.nullable(), dirty_value: number.nullable() })
    .nullable(),
  examples: z.array(z.object({ prompt: text, target: text, answer: text, right: z.boolean().nullable() })),
});

const Record = z
  .object({
    format: z.literal(1),
    gpt: text,
    date: text,
    command: text,
    backend: text,
    seconds: number,
    models: z
      .array(z.object({ name: text, dir: text, parameters: whole, n_ctx: whole, step: whole.nullable() }))
      .min(1),
    runs: z.array(Run),
    notes: z.array(text),
  })
  .refine(({ models, runs }) => runs.every((r) => r.model < models.length), 'a run of a model that is not listed');

/** Throws DataError for a file that cannot be read or is no evaluation. */
export function readEvalRecord(path: string): EvalRecord {
  const fix = 'give a report.json that gpt eval --tasks wrote';
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new DataError(`${path}: ${(error as Error).message}`, fix);
  }
  const value = parseJson(content, (message) => new DataError(`${path} is no JSON: ${message}`, fix));
  const parsed = Record.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new DataError(`${path} is no evaluation: ${where === '' ? '' : `${where}: `}${issue?.message}`, fix);
}
