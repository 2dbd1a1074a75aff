// Task files of lm-evaluation-harness: what may stand in one, and how files include others.
//
//   include: base.yaml        or a list, relative to the file: their keys first, the file's own win, whole keys at a time
//   task: name                a task; its other keys are TaskConfig
//   group: name               a group: `task` lists its members, other keys override the members'; GroupConfig
//   tag: name                 or a list: names that stand for all tasks that have them

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../base/errors.js';
import { nearest } from '../../config/spelling.js';
import { FunctionName, parseYaml } from './yaml11.js';

/** Keys of a task file as they stand there. */
export type RawConfig = Readonly<Record<string, unknown>>;

/** A file with what it includes. Throws ConfigError: no such file, bad YAML, a cycle. */
export function loadTaskFile(file: string, within: readonly string[] = []): RawConfig {
  const full = path.resolve(file);
  if (within.includes(full)) {
    throw new ConfigError(
      `${within.at(-1)}: include goes in a circle: ${[...within, full].join(' -> ')}`,
      'remove one include',
    );
  }
  let text: string;
  try {
    text = readFileSync(full, 'utf8');
  } catch (error) {
    const from = within.at(-1);
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
    throw new ConfigError(`${from ? `${from}: include: ` : ''}${full}: ${why}`, 'check the path');
  }
  const own = parseYaml(text, full);
  if (typeof own !== 'object' || own === null || Array.isArray(own) || own instanceof Map) {
    throw new ConfigError(
      `${full}: not a task file: keys and values are expected`,
      'write it as "task: NAME" and so on',
    );
  }
  const { include, ...config } = own as Record<string, unknown>;
  const included = include === undefined ? [] : Array.isArray(include) ? include : [include];
  return Object.assign({}, ...included.map((name) => includedKeys(name, full, within)), config);
}

function includedKeys(name: unknown, from: string, within: readonly string[]): RawConfig {
  if (typeof name !== 'string')
    throw new ConfigError(`${from}: include: a file name is expected`, 'name the file to include');
  const { task_list: _, ...keys } = loadTaskFile(path.resolve(path.dirname(from), name), [...within, from]);
  return keys;
}

// ---- what the keys may be

const functionName = z.instanceof(FunctionName, { error: 'a !function is expected' });
const text = z.string().nullable().default(null);
const number = z.union([z.number().int(), z.boolean().transform(Number)]);
const field = z.union([z.string(), number, functionName]).nullable().default(null);
const targetField = z
  .union([z.string(), number, z.array(z.unknown()), functionName])
  .nullable()
  .default(null);
const choiceField = z
  .union([z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown()), z.instanceof(Map), functionName])
  .nullable()
  .default(null);
const record = z.record(z.string(), z.unknown());

const metricSchema = z.looseObject({
  metric: z.union([z.string(), functionName]),
  aggregation: z.union([z.string(), functionName]).optional(),
  higher_is_better: z.boolean().optional(),
});

const filterSchema = z.looseObject({
  name: z.string(),
  filter: z.array(z.looseObject({ function: z.union([z.string(), functionName]) })),
});

const fewshotSchema = z.strictObject({
  sampler: z.union([z.string(), functionName]).default('default'),
  split: z.string().nullable().optional(),
  process_docs: functionName.nullable().optional(),
  fewshot_indices: z.unknown().optional(), // lm-evaluation-harness takes it, and does nothing with it
  samples: z
    .union([z.array(record), functionName])
    .nullable()
    .default(null),
  doc_to_text: field.unwrap().optional(),
  doc_to_choice: choiceField.unwrap().optional(),
  doc_to_target: targetField.unwrap().optional(),
  gen_prefix: z.string().nullable().optional(),
  fewshot_delimiter: z.string().nullable().optional(),
  target_delimiter: z.string().nullable().optional(),
});

const OUTPUT_TYPES = ['multiple_choice', 'loglikelihood', 'loglikelihood_rolling', 'generate_until'] as const;

const taskSchema = z.strictObject({
  task: z.string(),
  task_alias: text,
  custom_dataset: functionName.nullable().default(null),
  dataset_path: text,
  dataset_name: text,
  dataset_kwargs: record.nullable().default(null),
  training_split: text,
  validation_split: text,
  test_split: text,
  fewshot_split: text,
  process_docs: functionName.nullable().default(null),
  doc_to_text: field,
  doc_to_target: targetField,
  doc_to_choice: choiceField,
  doc_to_image: z.unknown().optional(),
  doc_to_audio: z.unknown().optional(),
  unsafe_code: z.unknown().optional(),
  process_results: z.union([functionName, z.string()]).nullable().default(null),
  use_prompt: text,
  description: text,
  target_delimiter: z.string().default(' '),
  fewshot_delimiter: z.string().default('\n\n'),
  fewshot_config: fewshotSchema.nullable().default(null),
  num_fewshot: z.number().int().min(0).nullable().default(null),
  metric_list: z.array(metricSchema).nullable().default(null),
  output_type: z.enum(OUTPUT_TYPES).default('generate_until'),
  generation_kwargs: record.nullable().default(null),
  repeats: z.number().int().min(1).default(1),
  filter_list: z.array(filterSchema).nullable().default(null),
  should_decontaminate: z.unknown().optional(),
  doc_to_decontamination_query: z.unknown().optional(),
  gen_prefix: text,
  metadata: z.unknown().optional(),
});

/** A task's keys, with lm-evaluation-harness's defaults. */
export type TaskConfig = Readonly<z.output<typeof taskSchema>>;

/** An entry of metric_list: its other keys are arguments of the metric. */
export type MetricConfig = Readonly<z.output<typeof metricSchema>>;

/** An entry of filter_list: filters that run one after the other. */
export type FilterConfig = Readonly<z.output<typeof filterSchema>>;

const aggregateSchema = z.strictObject({
  metric: z.string(),
  filter_list: z
    .union([z.array(z.string()), z.string().transform((name) => [name])])
    .nullable()
    .default(null),
  aggregation: z.union([z.string(), functionName]).default('mean'),
  weight_by_size: z.boolean().default(true),
});

const groupSchema = z.strictObject({
  group: z.string(),
  group_alias: text,
  task: z
    .union([z.array(z.union([z.string(), record])), z.string().transform((name) => [name])])
    .nullable()
    .default(null),
  aggregate_metric_list: z
    .union([z.array(aggregateSchema), aggregateSchema.transform((one) => [one])])
    .nullable()
    .default(null),
  metadata: z.unknown().optional(),
});

/** A group's keys. */
export type GroupConfig = Readonly<z.output<typeof groupSchema>>;

/** How a metric of a group comes from its members'. filter_list null: every filter. */
export type AggregateMetric = Readonly<z.output<typeof aggregateSchema>>;

/** Keys that belong to a group itself; the rest of its keys override its members'. */
export const GROUP_KEYS: ReadonlySet<string> = new Set(Object.keys(groupSchema.shape));

/** A task's keys, checked. Throws ConfigError with every wrong key. */
export function taskConfig(raw: RawConfig, file: string): TaskConfig {
  const { tag: _tag, group: _group, task_list: _list, ...own } = raw;
  if ('class' in own) {
    const name = own['class'] instanceof FunctionName ? `: class ${own['class']} of ${own['class'].file}` : '';
    throw new ConfigError(
      `${file}: task ${own['task']} is written in Python${name}`,
      'only tasks written as YAML can be used',
    );
  }
  return checked(taskSchema, own, file, `task ${raw['task']}`);
}

/** A group's keys, checked. Throws ConfigError with every wrong key. */
export function groupConfig(raw: RawConfig, file: string): GroupConfig {
  const own = Object.fromEntries(Object.entries(raw).filter(([key]) => GROUP_KEYS.has(key)));
  return checked(groupSchema, own, file, `group ${raw['group']}`);
}

function checked<T extends z.ZodObject>(schema: T, raw: unknown, file: string, what: string): z.output<T> {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => {
    const key = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys') return [`${key}: ${issue.message.replace(/^Invalid input: /, '')}`];
    return issue.keys.map((name) => {
      const near = issue.path.length === 0 ? nearest(name, Object.keys(schema.shape)) : undefined;
      return `${[...issue.path, name].join('.')}: no such key${near ? `, did you mean ${near}?` : ''}`;
    });
  });
  throw new ConfigError(`${file}: ${what}: ${problems.join('; ')}`, 'correct the task file');
}
