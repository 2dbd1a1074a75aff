// Byte pair training as the textbook has it: all pairs are counted anew for each merge. The truth for bpe_train.ts.

import { BYTE_SYMBOLS } from '../../src/tokenizer/byte_symbols.js';
import { GPT2_PATTERN } from '../../src/tokenizer/pieces.js';

/** The merges, "left right" in GPT-2's stand-ins, of a vocabulary of at most vocabSize tokens. */
export function naiveMerges(texts: readonly string[], vocabSize: number, minFrequency = 1): string[] {
  const words = texts.flatMap((text) => text.match(GPT2_PATTERN) ?? []).map((word) => [...Buffer.from(word)]);
  const spelled = [...BYTE_SYMBOLS];
  const merges: string[] = [];
  while (spelled.length + 1 < vocabSize) {
    const counts = new Map<number, number>();
    for (const ids of words) {
      for (let i = 1; i < ids.length; i++) {
        const pair = 1e6 * ids[i - 1]! + ids[i]!;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const [best] = [...counts].sort(([a, n], [b, m]) => m - n || a - b);
    if (best === undefined || best[1] < minFrequency) break;
    const [left, right] = [Math.floor(best[0] / 1e6), best[0] % 1e6];
    for (const [w, ids] of words.entries()) words[w] = merged(ids, left, right, spelled.length);
    merges.push(`${spelled[left]} ${spelled[right]}`);
    spelled.push(`${spelled[left]}${spelled[right]}`);
  }
  return merges;
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
