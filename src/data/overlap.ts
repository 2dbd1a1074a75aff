// How much of a sample is copied: its longest stretch that stands verbatim in the training text.
//
// The sample becomes a suffix automaton (Blumer et al. 1985), which recognises all its substrings, and the corpus streams
// through it once: O(sample + corpus) time, memory for the sample alone.

import { END_OF_TEXT, type Tokenizer } from '../tokenizer/tokenizer.js';
import type { TokenSource } from './token_file.js';

/** A stretch of text and its length in characters (code points). */
export interface Overlap {
  readonly chars: number;
  readonly text: string;
}

/** The longest substring of the sample that occurs in the corpus, whose chunks follow each other without a gap. */
export async function longestOverlap(
  sample: string,
  corpus: AsyncIterable<string> | Iterable<string>,
): Promise<Overlap> {
  const { next, link, length, end } = suffixAutomaton(sample);
  let state = 0;
  let matched = 0;
  let best = 0;
  let bestEnd = 0;
  for await (const chunk of corpus) {
    for (let i = 0; i < chunk.length; i++) {
      const unit = chunk.charCodeAt(i);
      let to = next[state]!.get(unit);
      while (to === undefined && state > 0) {
        state = link[state]!;
        matched = length[state]!;
        to = next[state]!.get(unit);
      }
      if (to === undefined) continue;
      state = to;
      matched++;
      if (matched > best) {
        best = matched;
        bestEnd = end[state]!;
      }
    }
  }
  const text = sample.slice(bestEnd - best, bestEnd).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
  return { chars: [...text].length, text };
}

/** Per state: transitions by UTF-16 unit, suffix link, length of its longest string, and where that ends in the text. */
function suffixAutomaton(text: string) {
  const next: Map<number, number>[] = [new Map()];
  const link = [-1];
  const length = [0];
  const end = [0];
  const add = (transitions: Map<number, number>, longest: number, endsAt: number): number => {
    next.push(transitions);
    link.push(0);
    length.push(longest);
    end.push(endsAt);
    return next.length - 1;
  };
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const current = add(new Map(), i + 1, i + 1);
    let p = last;
    while (p >= 0 && !next[p]!.has(unit)) {
      next[p]!.set(unit, current);
      p = link[p]!;
    }
    if (p >= 0) {
      const q = next[p]!.get(unit)!;
      if (length[q] === length[p]! + 1) {
        link[current] = q;
      } else {
        const clone = add(new Map(next[q]), length[p]! + 1, end[q]!);
        link[clone] = link[q]!;
        for (let r = p; r >= 0 && next[r]!.get(unit) === q; r = link[r]!) next[r]!.set(unit, clone);
        link[q] = clone;
        link[current] = clone;
      }
    }
    last = current;
  }
  return { next, link, length, end };
}

/** The text behind a token source in chunks, end-of-text spelled out: the corpus to compare a sample with. */
export function* textOf(source: TokenSource, tokenizer: Tokenizer, maxTokens = source.length): Generator<string> {
  const decoder = tokenizer.streamDecoder();
  const total = Math.min(source.length, maxTokens);
  for (let at = 0; at < total; at += 65_536) {
    let chunk = '';
    for (const id of source.read(at, Math.min(65_536, total - at))) {
      chunk += id === tokenizer.eot ? decoder.end() + END_OF_TEXT : decoder.push(id);
    }
    yield chunk;
  }
  yield decoder.end();
}
