// What a Hugging Face tokenizer.json holds, checked: vocabulary, merges, added tokens, and which token is end-of-text.
// load.ts makes a tokenizer of it.

import { z } from 'zod';
import { printable, quoted, short } from '../base/format.js';
import { parseJson } from '../base/json.js';
import { type Refuse, Step } from './hf_steps.js';
import { MergeTable, MOST_MERGES } from './merge.js';
import { END_OF_TEXT } from './tokenizer.js';

const AddedToken = z.looseObject({
  id: z.int().min(0),
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(true),
  special: z.boolean().default(false),
  /** Written by gpt: this one is end-of-text. */
  end_of_text: z.boolean().optional(),
});

/** A token outside the merges. One that is special is never found in a text by gpt. */
export type AddedToken = Readonly<z.infer<typeof AddedToken>>;

const HfFile = z.looseObject({
  truncation: z.unknown().optional(),
  padding: z.unknown().optional(),
  added_tokens: z.array(AddedToken).default([]),
  normalizer: z.nullish(Step),
  pre_tokenizer: z.nullish(Step),
  post_processor: z.nullish(Step),
  model: z.looseObject({
    type: z.string().default('BPE'),
    dropout: z.nullish(z.number()),
    unk_token: z.nullish(z.string()),
    fuse_unk: z.boolean().default(false),
    byte_fallback: z.boolean().default(false),
    ignore_merges: z.boolean().default(false),
    continuing_subword_prefix: z.nullish(z.string()),
    end_of_word_suffix: z.nullish(z.string()),
    vocab: z.unknown().optional(),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).default([]),
  }),
});

/** A tokenizer.json as it was read. */
export type HfFile = z.infer<typeof HfFile>;

/** Throws what refuse makes. */
export function parseHfFile(text: string, refuse: Refuse): HfFile {
  const parsed = HfFile.safeParse(parseJson(text, (message) => refuse(`not JSON: ${printable(message)}`)));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw refuse(`not a tokenizer.json: ${short(issue.path.join('.'))}: ${issue.message}`);
}

/** Token spelling -> id, added tokens included. */
export function vocabularyIds(
  {
    model,
    added_tokens,
  }: { readonly model: { readonly vocab?: unknown }; readonly added_tokens: readonly AddedToken[] },
  refuse: Refuse,
): Map<string, number> {
  if (typeof model.vocab !== 'object' || model.vocab === null) throw refuse('model.vocab is no object');
  const ids = new Map<string, number>();
  const tokens = new Map<number, string>();
  const all: [string, unknown][] = Object.entries(model.vocab);
  for (const token of added_tokens) all.push([token.content, token.id]);
  // Ids index tables. Some vocabularies have gaps, but a few kilobytes must not ask for gigabytes.
  const limit = 2 * all.length + 1024;
  for (const [token, id] of all) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= limit) {
      throw refuse(`token ${quoted(token)} has the id ${quoted(id)}, with ${all.length} tokens in all`);
    }
    const other = tokens.get(id);
    if (other !== undefined && other !== token) {
      throw refuse(`id ${id} belongs to two tokens, ${quoted(other)} and ${quoted(token)}`);
    }
    if ((ids.get(token) ?? id) !== id) throw refuse(`${quoted(token)} has two ids, ${ids.get(token)} and ${id}`);
    ids.set(token, id);
    tokens.set(id, token);
  }
  return ids;
}

/** Merges over the vocabulary. `added`: ids of tokens that no merge may make. */
export function mergeTable(
  ids: ReadonlyMap<string, number>,
  added: ReadonlySet<number>,
  merges: readonly (string | readonly [string, string])[],
  refuse: Refuse,
): MergeTable {
  if (merges.length > MOST_MERGES) throw refuse(`it has ${merges.length} merges, more than ${MOST_MERGES}`);
  const table = new MergeTable();
  for (const [i, merge] of merges.entries()) {
    const name = `merges[${i}] ${quoted(merge)}`;
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    if (parts.length !== 2) throw refuse(`${name} is not two tokens`);
    const [left, right] = [parts[0]!, parts[1]!];
    for (const token of [left, right, left + right]) {
      if (!ids.has(token)) throw refuse(`${name} names ${quoted(token)}, a token that the vocabulary lacks`);
    }
    const [a, b, result] = [ids.get(left)!, ids.get(right)!, ids.get(left + right)!];
    // An added token stands for no text: a document that spelled one out could forge its own end.
    if (added.has(result)) throw refuse(`${name} makes an added token`);
    if (table.rank(a, b) >= 0) throw refuse(`${name} is given twice`);
    table.add(a, b, result);
  }
  return table;
}

// What models call it, in the order in which they are looked for.
const NAMES = [
  ...[END_OF_TEXT, '<|end_of_text|>', '</s>', '<|im_end|>', '<|eot_id|>', '<eos>', '<|eos|>', '<EOS>', '[EOS]'],
  ...['<｜end▁of▁sentence｜>', '<|end|>', '<|eot|>', '[EOT]', '<|return|>'],
];

/**
 * The token that is end-of-text: the one that gpt has marked, else the one of that name (of tokenizer_config.json), else
 * one by a usual name, else the only special token.
 */
export function endOfText(
  { added_tokens }: HfFile,
  ids: ReadonlyMap<string, number>,
  name: string | undefined,
  refuse: Refuse,
): string {
  const marked = added_tokens.find((token) => token.end_of_text);
  if (marked) return marked.content;
  if (name !== undefined && ids.has(name)) return name;
  const usual = NAMES.find((one) => ids.has(one));
  if (usual !== undefined) return usual;
  const special = added_tokens.filter((token) => token.special);
  if (special.length === 1) return special[0]!.content;
  const names = special.map((token) => token.content).join(' ');
  throw refuse(
    special.length === 0
      ? `it has no ${END_OF_TEXT} token, nor another special token`
      : `which of its special tokens is the end of a text? (${short(names, 200)}) A tokenizer_config.json beside it says so, in eos_token`,
  );
}

const NoTokens = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ByteLevel') }), // offsets only
  z.object({
    type: z.literal('TemplateProcessing'),
    single: z.array(z.strictObject({ Sequence: z.looseObject({}) })),
  }),
]);
const AddsNothing = z.union([NoTokens, z.object({ type: z.literal('Sequence'), processors: z.array(NoTokens) })]);

/** What Hugging Face's encode() does by default, and gpt does not: it encodes a text, and the caller adds what a model wants. */
export function leftOut({ post_processor, truncation, padding }: HfFile): string[] {
  const adds = post_processor && !AddsNothing.safeParse(post_processor).success;
  return [
    ...(adds
      ? [`its post-processor (${short(post_processor.type)}) adds tokens to a text; gpt encodes without them`]
      : []),
    ...(truncation ? ['it truncates texts; gpt encodes all of a text'] : []),
    ...(padding ? ['it pads texts; gpt encodes without padding'] : []),
  ];
}
