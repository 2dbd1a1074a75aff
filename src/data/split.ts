// What is held out for validation when there is no text of its own for it (data.val_path).
//
//   documents   with 20 documents or more: each with probability val_fraction, by a hash of its index
//   tail        otherwise, or when the hash leaves a side empty: the last val_fraction of the characters of the whole
//               text, cut before tokenizing: nanoGPT's data[int(n * 0.9):]

import { integer, percent } from '../base/format.js';
import { Random, Stream } from '../base/rng.js';
import type { TextChunk } from './read.js';

const MANY_DOCUMENTS = 20;

export type Side = 'train' | 'val';

/** Sends the parts of a document to the sides. The side of a document's last part gets its end-of-text. */
export type Route = (chunk: TextChunk) => Generator<{ side: Side; text: string }>;

/** All of the text on one side. */
export function everything(side: Side): Route {
  return function* (chunk) {
    yield { side, text: chunk.text };
  };
}

/** How to divide a text of so many documents and characters, in words and as a route. Routes count: use one once. */
export function chooseSplit(documents: number, characters: number, fraction: number): { split: string; route: Route } {
  const isVal = (index: number): boolean => new Random(0, Stream.split, index).uniform() < fraction;
  let held = 0;
  if (documents >= MANY_DOCUMENTS) for (let i = 0; i < documents; i++) held += isVal(i) ? 1 : 0;
  if (held > 0 && held < documents) {
    const split = `${integer(held)} of ${integer(documents)} documents are held out, picked by a hash of their index`;
    let index = 0;
    return {
      split,
      *route(chunk) {
        yield { side: isVal(index) ? 'val' : 'train', text: chunk.text };
        if (chunk.docEnd) index++;
      },
    };
  }
  const cut = Math.floor(characters * (1 - fraction));
  let seen = 0;
  return {
    split: `the last ${percent(fraction)} of the text is held out (from character ${integer(cut)} of ${integer(characters)})`,
    *route(chunk) {
      const at = indexOfCharacter(chunk.text, cut - seen);
      seen += countCharacters(chunk.text);
      if (at > 0) yield { side: 'train', text: chunk.text.slice(0, at) };
      if (at < chunk.text.length) yield { side: 'val', text: chunk.text.slice(at) };
    },
  };
}

/** Code points of a text. */
export function countCharacters(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) n--;
  return n;
}

/** Index of the n-th character (code point) of a text, within 0 .. text.length. */
function indexOfCharacter(text: string, n: number): number {
  let i = 0;
  for (let k = 0; k < n && i < text.length; k++) i += text.codePointAt(i)! > 0xffff ? 2 : 1;
  return i;
}
