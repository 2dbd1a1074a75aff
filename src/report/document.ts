// docs/run-log.md: every event and key of run.jsonl, from the schema in src/base/events.ts.
//
// To write it anew: npx vitest run --config test/vitest.config.ts test/report/document.test.ts -u

import { z } from 'zod';
import { RunEvent } from '../base/events.js';

/** What toJSONSchema says of an event; only the parts that the events use. */
interface JsonType {
  type?: string;
  const?: string | number;
  enum?: string[];
  anyOf?: JsonType[];
  properties?: Record<string, JsonType>;
  additionalProperties?: JsonType | false;
  items?: JsonType | false;
  prefixItems?: JsonType[];
  required?: string[];
  description?: string;
  $ref?: string;
}

/** The content of docs/run-log.md. */
export function runLogMarkdown(): string {
  const sections = RunEvent.options.map((event) => {
    const schema = z.toJSONSchema(event, { io: 'input' }) as JsonType;
    return [
      `## ${event.shape.type.value}`,
      '',
      schema.description,
      '',
      '| key | type | meaning |',
      '|--|--|--|',
      ...rowsOf(schema, ''),
      '',
    ].join('\n');
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

/** Keys of objects in objects are written with dots; <name> stands for any, [] for each of a list. */
function rowsOf({ properties = {}, required = [] }: JsonType, path: string): string[] {
  return Object.entries(properties).flatMap(([key, t]) => {
    if (key === 'type' && path === '') return [];
    const type = `${typeText(t)}${required.includes(key) ? '' : ', optional'}`;
    const row = `| \`${path}${key}\` | ${type} | ${t.description ?? ''} |`;
    return [row, ...innerRows(t, `${path}${key}.`)];
  });
}

function innerRows(t: JsonType, path: string): string[] {
  if (t.properties) return rowsOf(t, path);
  if (t.items) return innerRows(t.items, path.replace(/\.$/, '[].'));
  return typeof t.additionalProperties === 'object' ? innerRows(t.additionalProperties, `${path}<name>.`) : [];
}

function typeText(t: JsonType): string {
  const text = TYPES.find(([is]) => is(t))?.[1](t);
  if (text === undefined) throw new Error(`no words for ${JSON.stringify(t)}: see TYPES in src/report/document.ts`);
  return text;
}

const plural = (type: string): string => type.replace(/^(pair|list|object|text|whole number)/, '$1s');

const isNumber = (t: JsonType): boolean => t.anyOf?.some((a) => a.enum?.includes('NaN') === true) ?? false;

const TYPES: readonly [is: (t: JsonType) => boolean, text: (t: JsonType) => string][] = [
  [(t) => t.$ref !== undefined, () => 'any JSON'],
  [(t) => t.const !== undefined, (t) => String(t.const)],
  [(t) => t.enum !== undefined, (t) => (t.enum ?? []).join(', ').replace(/, ([^,]*)$/, ' or $1')],
  [isNumber, () => 'number'],
  [(t) => t.anyOf !== undefined, (t) => (t.anyOf ?? []).map(typeText).join(' or ')],
  [(t) => t.type === 'integer', () => 'whole number'],
  [(t) => t.type === 'string', () => 'text'],
  [(t) => t.type === 'boolean', () => 'true or false'],
  [(t) => t.type === 'null', () => 'null'],
  [(t) => t.properties !== undefined, () => 'object'],
  [
    (t) => t.prefixItems !== undefined,
    (t) => `pair (${(t.prefixItems ?? []).map((p) => p.description ?? typeText(p)).join(', ')})`,
  ],
  [(t) => Boolean(t.items), (t) => `list of ${plural(typeText(t.items || {}))}`],
  [
    (t) => typeof t.additionalProperties === 'object',
    (t) => `names to ${typeText(t.additionalProperties as JsonType)}`,
  ],
];

const INTRODUCTION = `# The record of a run

Generated from \`src/base/events.ts\`; a test fails when this page is stale. The folder of a run holds

| file | what it is |
|--|--|
| \`run.jsonl\` | every event, a JSON object per line, written while the run goes on; described below |
| \`events.out.tfevents.*\` | the same for TensorBoard: \`tensorboard --logdir checkpoints\` |
| \`report.html\`, \`report.json\` | derived from \`run.jsonl\` alone, at the end of a run or by \`gpt report FOLDER\`, also of a run that goes on or was killed |

How to read a \`run.jsonl\`:

- The key \`type\` names the event. Skip events and keys that you do not know: a later gpt may add them, and only a change
  that would be misread raises \`format\`.
- A number that is not finite is the text "NaN", "Infinity" or "-Infinity", which Python's \`float()\` and pandas read.
- A resume appends a part, which begins with a start event. Steps of the earlier part after \`resumed_from\` were done
  again: the later ones count.
- A killed run leaves no end event, and perhaps half a line, which the next part leaves as a line of its own.
- Every event but steps and samples is on the disk when it is reported. Steps wait for the next event, a second's worth of
  them at most: so many a kill may lose.

\`gpt pretrain --json\` and \`gpt finetune --json\` print the same lines; \`gpt watch\` shows the log in a browser as it grows (docs/watch.md).

\`\`\`python
import pandas as pd
steps = pd.read_json("checkpoints/quickstart/run.jsonl", lines=True).query("type == 'step'")
\`\`\`

TensorBoard files are always written: they are a third of the log's size, and need no package. They hold \`train/loss\`,
\`train/lr\`, \`train/grad_norm\`, \`train/tokens_per_s\`, \`val/loss\`, \`val/perplexity\`, \`val/bits_per_byte\`,
\`eval/NAME/METRIC\` and the samples as text; of a fine-tuned task also \`train/task_loss\`, \`train/lm_loss\` and
\`eval/NAME/loss\`. Each part of a run has a file of its own; TensorBoard itself drops the steps
that a resume did again.
`;
