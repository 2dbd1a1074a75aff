// What transformers' AutoTokenizer wants beside tokenizer.json.
//
//   tokenizer_config.json    the class: GPT2Tokenizer for GPT-2's kind, OpenAIGPTTokenizer for GPT-1's, else
//                            PreTrainedTokenizerFast, which takes tokenizer.json as it is (the others of transformers 5
//                            build their own from the vocabulary); special tokens; the context length
//   vocab.json, merges.txt   GPT-2's and GPT-1's kind: the original two files, for programs that read no tokenizer.json

import { isDeepStrictEqual } from 'node:util';
import { jsonFileText } from '../base/json.js';
import type { Tokenizer } from './tokenizer.js';

/** What is read of the tokenizer.json of a Tokenizer. */
interface TokenizerJson {
  readonly added_tokens: readonly { readonly special: boolean }[];
  readonly normalizer: object | null;
  readonly pre_tokenizer: object | null;
  readonly model: { readonly vocab: Record<string, number>; readonly merges: readonly string[] };
}

/** File name -> content of all files of a tokenizer, tokenizer.json included. */
export function hfTokenizerFiles(tokenizer: Tokenizer, n_ctx: number): Map<string, string> {
  const json = tokenizer.toJson();
  const parsed = JSON.parse(json) as TokenizerJson;
  const isGpt1 = tokenizer.type === 'gpt1-bpe';
  const isGpt2 = tokenizer.type === 'bpe' && isOfGpt2(parsed);
  const endOfText = tokenizer.decode([tokenizer.eot]);
  const config = {
    ...(isGpt2 ? { add_prefix_space: false } : {}),
    ...(isGpt1 ? {} : { bos_token: endOfText }),
    clean_up_tokenization_spaces: false, // it would drop spaces before punctuation
    ...(isGpt1 ? {} : { eos_token: endOfText }),
    // PreTrainedTokenizerFast would pass token_type_ids as well, and GPT-2 adds the embedding of token 0 for each of them.
    ...(isGpt1 || isGpt2 ? {} : { model_input_names: ['input_ids', 'attention_mask'] }),
    model_max_length: n_ctx,
    tokenizer_class: isGpt1 ? 'OpenAIGPTTokenizer' : isGpt2 ? 'GPT2Tokenizer' : 'PreTrainedTokenizerFast',
    ...(isGpt1 || isGpt2 ? { unk_token: endOfText } : {}),
  };
  const files = new Map([
    ['tokenizer.json', json],
    ['tokenizer_config.json', jsonFileText(config)],
  ]);
  if (!isGpt1 && !isGpt2) return files;
  const { model } = parsed;
  files.set('vocab.json', `${JSON.stringify(model.vocab)}\n`);
  files.set('merges.txt', `#version: 0.2\n${model.merges.map((merge) => `${merge}\n`).join('')}`);
  return files;
}

const GPT2_STEP = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** Nothing but GPT-2's pattern, and no token that a text could hold. */
const isOfGpt2 = ({ added_tokens, normalizer, pre_tokenizer, model }: TokenizerJson): boolean =>
  normalizer === null &&
  isDeepStrictEqual(pre_tokenizer, GPT2_STEP) &&
  added_tokens.every((token) => token.special) &&
  !('ignore_merges' in model);
