// What transformers' AutoTokenizer wants beside tokenizer.json.
//
//   tokenizer_config.json    the class: GPT2Tokenizer for byte-level BPE, else PreTrainedTokenizerFast, which takes
//                            tokenizer.json as it is; special tokens; the context length
//   vocab.json, merges.txt   byte-level BPE only: GPT-2's original two files, for programs that read no tokenizer.json

import { jsonFileText } from '../base/json.js';
import { END_OF_TEXT, type Tokenizer } from './tokenizer.js';

/** File name -> content of all files of a tokenizer, tokenizer.json included. */
export function hfTokenizerFiles(tokenizer: Tokenizer, n_ctx: number): Map<string, string> {
  const isBpe = tokenizer.type === 'bpe';
  const config = {
    ...(isBpe ? { add_prefix_space: false } : {}),
    bos_token: END_OF_TEXT,
    clean_up_tokenization_spaces: false, // it would drop spaces before punctuation
    eos_token: END_OF_TEXT,
    // PreTrainedTokenizerFast would pass token_type_ids as well, and GPT-2 adds the embedding of token 0 for each of them.
    ...(isBpe ? {} : { model_input_names: ['input_ids', 'attention_mask'] }),
    model_max_length: n_ctx,
    tokenizer_class: isBpe ? 'GPT2Tokenizer' : 'PreTrainedTokenizerFast',
    ...(isBpe ? { unk_token: END_OF_TEXT } : {}),
  };
  const json = tokenizer.toJson();
  const files = new Map([
    ['tokenizer.json', json],
    ['tokenizer_config.json', jsonFileText(config)],
  ]);
  if (!isBpe) return files;
  const { model } = JSON.parse(json) as { model: { vocab: Record<string, number>; merges: string[] } };
  files.set('vocab.json', `${JSON.stringify(model.vocab)}\n`);
  files.set('merges.txt', `#version: 0.2\n${model.merges.map((merge) => `${merge}\n`).join('')}`);
  return files;
}
