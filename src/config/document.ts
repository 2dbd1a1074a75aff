// The configuration as text: the reference page docs/config.md, from the schema, and a resolved run as YAML.
//
// To write docs/config.md anew: npx vitest run --config test/vitest.config.ts test/config/document.test.ts -u

import { parse } from 'yaml';
import { type ConfigKey, FINETUNE_KEYS, type KeyTable, PRETRAIN_KEYS } from './keys.js';

/** The content of docs/config.md. */
export function configMarkdown(): string {
  const finetuning = `# Keys of gpt finetune\n\n${FINETUNING}`;
  return [INTRODUCTION, ...tables(PRETRAIN_KEYS), finetuning, ...tables(FINETUNE_KEYS)].join('\n');
}

const tables = ({ sections, keys }: KeyTable): string[] =>
  sections.map((section) => {
    const rows = [...keys.values()].filter((k) => k.section === section).map(tableRow);
    return [`## ${section}`, '', '| key | type | default | meaning |', '|--|--|--|--|', ...rows, ''].join('\n');
  });

const INTRODUCTION = `# Configuration keys

Generated from \`src/config/schema.ts\`; a test fails when this page is stale. Every key can stand in a YAML file and on
the command line: \`train: {max_steps: 100}\` is \`--train.max_steps 100\`. A file may also say

- \`extends: NAME\`: start from another file (relative to this one) or a preset of \`configs/\`; keys of this file win;
- \`portable: {...}\`: sections that apply only where there are no native kernels, for a much smaller model.

Later sources win: defaults, extended files, the file, their portable parts, flags. \`--print-config\` shows the result
and where each value came from. A default of \`-\` means that the key is unset; the meaning says what happens then.
`;

const FINETUNING = `For the tasks classification, entailment, similarity and multiple-choice; defaults are GPT-1's (Radford et al. 2018,
section 4.1, and OpenAI's code). \`gpt finetune --task lm\` takes the keys of pretraining above, but for the model's shape and
tokenizer, which are the checkpoint's.
`;

function tableRow({ name, type, meaning, ...key }: ConfigKey): string {
  const cells = [`\`${name}\``, type, key.default === undefined ? '-' : `\`${yamlValue(key.default)}\``, meaning];
  return `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A run as YAML that loads to the same run, each line with `comment(path)`. Unset keys are left out. */
export function commentedConfig(run: object, comment: (path: string) => string, table = PRETRAIN_KEYS): string {
  const values = run as Record<string, Record<string, unknown>>;
  const lines = table.sections.map((section) => {
    const keys = [...table.keys.values()].filter((k) => k.section === section);
    const set = keys.filter((k) => values[section]?.[k.name] !== undefined);
    const rows = set.map((k) => {
      const line = `  ${k.name}: ${yamlValue(values[section]?.[k.name])}`;
      return `${line.padEnd(40)} # ${comment(k.path)}`;
    });
    return rows.length === 0 ? '' : `${[`${section}:`, ...rows].join('\n')}\n`;
  });
  return lines.join('');
}

/** A value on one line. Text is quoted only where YAML would read it otherwise. */
function yamlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlValue).join(', ')}]`;
  if (typeof value !== 'string') return String(value);
  return /^[\w./-]+$/.test(value) && parse(value) === value ? value : JSON.stringify(value);
}
