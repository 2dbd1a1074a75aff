// Training of a byte-level BPE vocabulary (Sennrich et al. 2016, on bytes as in GPT-2).
//
//   1. cut the text into pieces by GPT-2's pattern and count the different ones
//   2. every piece is a sequence of bytes: ids 0 .. 255
//   3. the pair of neighbours that occurs most often becomes a new token, everywhere; again, until the vocabulary is full
//
// Ties go to the smaller ids, so the result depends on the text alone. The last id is end-of-text.
// The counts are made anew for each merge: right for vocabularies of a few thousand tokens.

import { GPT2_PATTERN } from './bpe.js';
import { BYTE_SYMBOLS, symbolsOf } from './byte_symbols.js';
import { bpeJson } from './hf_json.js';

/**
 * The tokenizer.json of a vocabulary of `vocabSize` (at least 257) tokens, trained on texts.
 * Fewer tokens when nothing is left to merge.
 */
export function trainBpe(texts: Iterable<string>, vocabSize: number): string {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.matchAll(GPT2_PATTERN)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  const words = [...counts].map(([piece, count]) => ({ ids: [...new TextEncoder().encode(piece)], count }));
  const tokens: Uint8Array[] = Array.from({ length: 256 }, (_, b) => Uint8Array.of(b));
  const merges: string[] = [];
  while (tokens.length + 1 < vocabSize) {
    const best = mostFrequentPair(words);
    if (best === undefined) break;
    const [left, right] = best;
    merges.push(`${symbolsOf(tokens[left]!)} ${symbolsOf(tokens[right]!)}`);
    for (const word of words) word.ids = merged(word.ids, left, right, tokens.length);
    tokens.push(Uint8Array.of(...tokens[left]!, ...tokens[right]!));
  }
  const spelled = tokens.map((bytes, id) => (id < 256 ? BYTE_SYMBOLS[id]! : symbolsOf(bytes)));
  return bpeJson([...spelled, undefined], merges, tokens.length);
}

function mostFrequentPair(words: readonly { ids: number[]; count: number }[]): [number, number] | undefined {
  const counts = new Map<number, number>(); // left * 2^24 + right
  for (const { ids, count } of words) {
    for (let i = 1; i < ids.length; i++) {
      const pair = ids[i - 1]! * 2 ** 24 + ids[i]!;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best = -1;
  let most = 0;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && pair < best)) {
      best = pair;
      most = count;
    }
  }
  return best < 0 ? undefined : [Math.floor(best / 2 ** 24), best % 2 ** 24];
}

/** ids with every (left, right), from the left, replaced by `token`. */
function merged(ids: readonly number[], left: number, right: number, token: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      out.push(token);
      i++;
    } else out.push(ids[i]!);
  }
  return out;
}
