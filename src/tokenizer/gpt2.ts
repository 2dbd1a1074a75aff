// GPT-2's (and GPT-3's) vocabulary: 50,257 tokens, ids as in OpenAI's encoder.json.
//
//   0-255          single bytes, in the order of their stand-ins (byte_symbols.ts)
//   256-50255      the 50,000 merges in order of rank
//   50256          <|endoftext|>
//
// The npm package gpt-tokenizer carries the tokens by rank. The merges follow from them: encoding a token's bytes with
// the merges of lower rank leaves exactly two parts. The package is imported on first use (about 0.1 s).

import { BpeTokenizer } from './bpe.js';
import { Merger, MergeTable } from './merge.js';
import { END_OF_TEXT } from './tokenizer.js';

let loaded: Promise<BpeTokenizer> | undefined;

/** The GPT-2 tokenizer; one object per process, since it is large and cannot change. */
export function gpt2Tokenizer(): Promise<BpeTokenizer> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<BpeTokenizer> {
  const { default: ranks } = await import('gpt-tokenizer/esm/bpeRanks/r50k_base');
  const tokens: Uint8Array[] = ranks.map((token) =>
    typeof token === 'string' ? Buffer.from(token, 'utf8') : Uint8Array.from(token),
  );
  const byteIds = new Int32Array(256);
  for (let id = 0; id < 256; id++) byteIds[tokens[id]![0]!] = id;
  const merges = new MergeTable();
  const merger = new Merger(merges);
  const parts = new Int32Array(256);
  for (let id = 256; id < tokens.length; id++) {
    const bytes = tokens[id]!;
    for (let i = 0; i < bytes.length; i++) parts[i] = byteIds[bytes[i]!]!;
    const n = merger.merge(parts, bytes.length);
    if (n !== 2) throw new Error(`internal: token ${id} of r50k_base is no merge of two tokens`);
    merges.add(parts[0]!, parts[1]!, id);
  }
  const eot = tokens.length;
  return new BpeTokenizer([...tokens, Buffer.from(END_OF_TEXT)], merges, eot);
}
