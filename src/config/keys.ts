// The configuration keys as a flat table, read from the schema: "model.n_ctx" -> type, default, meaning.
//
// One table serves the YAML reader, the flags, error messages (what was expected) and docs/config.md, so that
// a key that is added to schema.ts is known everywhere. Sections are one level deep: section.key.

import { z } from 'zod';
import { FinetuneConfig, RunConfig } from './schema.js';

/** One configuration key. */
export interface ConfigKey {
  readonly path: string; //    "model.n_ctx"
  readonly section: string; // "model"
  readonly name: string; //    "n_ctx"
  readonly schema: z.ZodType;
  readonly type: string; //    "whole number, at least 1"
  readonly choices: readonly string[]; // of text, or true and false; empty: not a choice
  readonly default: unknown; // undefined: none, or one that `meaning` explains
  readonly meaning: string;
}

/** What toJSONSchema says about a leaf; only the parts that the schema uses. */
interface JsonType {
  type?: string;
  enum?: string[];
  const?: unknown;
  anyOf?: JsonType[];
  items?: JsonType | false;
  prefixItems?: JsonType[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  default?: unknown;
}

/** The keys of one kind of configuration. */
export interface KeyTable {
  /** The names of the sections, in the order of the schema. */
  readonly sections: readonly string[];
  /** Every key by its path, in the order of the schema. */
  readonly keys: ReadonlyMap<string, ConfigKey>;
}

type Section = z.ZodPrefault<z.ZodObject<Record<string, z.ZodType>>>;

const tableOf = (schema: { readonly shape: Readonly<Record<string, unknown>> }): KeyTable => ({
  sections: Object.keys(schema.shape),
  keys: new Map(
    Object.entries(schema.shape as Record<string, Section>).flatMap(([section, { unwrap }]) =>
      Object.entries(unwrap().shape).map(([name, leaf]): [string, ConfigKey] => {
        const json = z.toJSONSchema(leaf, { io: 'input' }) as JsonType;
        const path = `${section}.${name}`;
        const type = typeText(json);
        return [
          path,
          {
            ...{ path, section, name, schema: leaf, type, choices: choicesOf(json) },
            ...{ default: json.default, meaning: leaf.description ?? '' },
          },
        ];
      }),
    ),
  ),
});

function choicesOf({ anyOf = [], enum: values = [], const: value, type }: JsonType): string[] {
  if (type === 'boolean') return ['true', 'false'];
  return [...values, ...(value === undefined ? [] : [String(value)]), ...anyOf.flatMap(choicesOf)];
}

/** "whole number, at least 1" for a JSON schema. */
function typeText(t: JsonType): string {
  if (t.anyOf) return t.anyOf.map(typeText).join(', or ');
  if (t.enum) return t.enum.join(', ').replace(/, ([^,]*)$/, ' or $1');
  if (t.const !== undefined) return String(t.const);
  if (t.type === 'boolean') return 'true or false';
  if (t.prefixItems) return `list of ${t.prefixItems.length} (${typeText(t.prefixItems[0]!)})`;
  if (t.type === 'array' && t.items) return `list of (${typeText(t.items)})`;
  if (t.type === 'string') return 'text';
  if (t.type === 'integer') {
    const least = t.exclusiveMinimum === undefined ? t.minimum : t.exclusiveMinimum + 1;
    const most = t.maximum === undefined || t.maximum >= Number.MAX_SAFE_INTEGER ? '' : `, at most ${t.maximum}`;
    return `whole number, at least ${least}${most}`;
  }
  const limits: string[] = [];
  if (t.exclusiveMinimum !== undefined) limits.push(`above ${t.exclusiveMinimum}`);
  if (t.minimum !== undefined) limits.push(`at least ${t.minimum}`);
  if (t.exclusiveMaximum !== undefined) limits.push(`below ${t.exclusiveMaximum}`);
  if (t.maximum !== undefined) limits.push(`at most ${t.maximum}`);
  return ['number', limits.join(', ')].filter(Boolean).join(', ');
}

/** Of `gpt pretrain`. */
export const PRETRAIN_KEYS = tableOf(RunConfig);

/** Of `gpt finetune` on a supervised task. */
export const FINETUNE_KEYS = tableOf(FinetuneConfig);
