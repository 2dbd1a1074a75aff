// The tokenizer of a fine-tuned model for transformers: AutoTokenizer's tokenizer(text) and tokenizer(text, pair) give the
// ids that gpt gives a task.
//
//   text          <|start|> text <|extract|>
//   text, pair    <|start|> text <|delimiter|> pair <|extract|>
//
//   tokenizer.json          that of hf_json.ts, with three special tokens and a TemplateProcessing post-processor
//   tokenizer_config.json   PreTrainedTokenizerFast, which takes tokenizer.json as it is (GPT2Tokenizer of transformers 5
//                           builds its own from the vocabulary and would lose the template); padding on the right with
//                           end-of-text, which no sequence ends with
//
// Two keys there keep transformers from doing something else: without model_input_names it would pass token_type_ids, and
// GPT-2 adds the embedding of token 0 for each of them; with split_special_tokens a text that spells out a special token
// gets ordinary ids, as it does here. Padding and truncation are the caller's (padding=True, truncation=True): special
// tokens are kept and the longer side is cut first, as in data/task_inputs.ts, but for one token: where two long texts
// share an odd number of places, the spare one can be the other's.
// Not written: vocab.json and merges.txt, which know no templates.

import { DataError } from '../base/errors.js';
import { quoted } from '../base/format.js';
import { jsonFileText } from '../base/json.js';
import type { Tokenizer } from './tokenizer.js';

/** The tokens that fine-tuning adds, in the order of their ids. */
export const TASK_TOKENS = ['<|start|>', '<|delimiter|>', '<|extract|>'] as const;

/** Ids of TASK_TOKENS: the rows that follow the vocabulary of the pretrained model. */
export type TaskTokenIds = readonly [start: number, delimiter: number, extract: number];

export interface TaskFilesOptions {
  readonly ids: TaskTokenIds;
  readonly n_ctx: number;
  /** data.lower_case: texts were read in lower case. */
  readonly lowerCase?: boolean;
}

/** What is read of the tokenizer.json of a Tokenizer. */
interface TokenizerJson {
  added_tokens: object[];
  normalizer: object | null;
  post_processor: object | null;
  model: { vocab: Record<string, number> };
}

/** File name -> content. Throws DataError where the vocabulary has another use for the tokens or their ids. */
export function hfTaskTokenizerFiles(
  tokenizer: Tokenizer,
  { ids, n_ctx, lowerCase = false }: TaskFilesOptions,
): Map<string, string> {
  const json = JSON.parse(tokenizer.toJson()) as TokenizerJson;
  const { vocab } = json.model;
  const taken = new Map(Object.entries(vocab).map(([token, id]) => [id, token]));
  for (const [i, token] of TASK_TOKENS.entries()) {
    const id = ids[i]!;
    const other = taken.get(id) ?? token;
    if (other !== token || (Object.hasOwn(vocab, token) && vocab[token] !== id)) {
      const why = other === token ? `it is ${vocab[token]}` : `that is ${quoted(other)}`;
      throw new DataError(
        `the tokenizer cannot have ${token} as token ${id}: ${why}`,
        'export with the tokenizer that the model was fine-tuned with',
      );
    }
    // In the vocabulary too, as end-of-text is: `tokenizers` numbers the tokens that it does not find there by itself.
    vocab[token] = id;
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
    if (!taken.has(id)) json.added_tokens.push({ id, content: token, ...flags });
  }
  const template = templateProcessing(ids);
  const lower = { type: 'Lowercase' };
  const endOfText = tokenizer.decode([tokenizer.eot]);
  const steps = {
    ...(lowerCase ? { normalizer: json.normalizer ? inSequence(json.normalizer, lower) : lower } : {}),
    post_processor: json.post_processor
      ? { type: 'Sequence', processors: [json.post_processor, template] } // ByteLevel's sets offsets
      : template,
  };
  const [start, delimiter, extract] = TASK_TOKENS;
  const config = {
    bos_token: start,
    clean_up_tokenization_spaces: false, // it would drop spaces before punctuation
    cls_token: extract,
    eos_token: endOfText,
    model_input_names: ['input_ids', 'attention_mask'],
    model_max_length: n_ctx,
    pad_token: endOfText,
    padding_side: 'right',
    sep_token: delimiter,
    split_special_tokens: true,
    tokenizer_class: 'PreTrainedTokenizerFast',
  };
  return new Map([
    ['tokenizer.json', `${JSON.stringify({ ...json, ...steps })}\n`],
    ['tokenizer_config.json', jsonFileText(config)],
  ]);
}

/** data.lower_case comes before the tokenizer's own steps. */
const inSequence = (own: object, lower: object): object => ({ type: 'Sequence', normalizers: [lower, own] });

function templateProcessing(ids: TaskTokenIds): object {
  const special = (i: 0 | 1 | 2) => ({ SpecialToken: { id: TASK_TOKENS[i], type_id: 0 } });
  const text = (id: 'A' | 'B') => ({ Sequence: { id, type_id: 0 } });
  return {
    type: 'TemplateProcessing',
    single: [special(0), text('A'), special(2)],
    pair: [special(0), text('A'), special(1), text('B'), special(2)],
    special_tokens: Object.fromEntries(
      TASK_TOKENS.map((token, i) => [token, { id: token, ids: [ids[i]], tokens: [token] }]),
    ),
  };
}
