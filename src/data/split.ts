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

/** A choice between the two, for which the text is counted first: all of it, or as much as it takes to be sure. */
export class Split {
  readonly #fraction: number;
  #documents = 0;
  #held = 0;
  #characters = 0;

  constructor(fraction: number) {
    this.#fraction = fraction;
  }

  /** Counts the next part of the text. True: enough is known. */
  count({ text, docEnd }: TextChunk): boolean {
    this.#characters += countCharacters(text);
    if (docEnd && this.#isVal(this.#documents++)) this.#held++;
    return this.#isByDocument;
  }

  /** Where the parts go, from the first one on. Routes count: use one once; its words are right when all has gone through. */
  route(): { readonly route: Route; readonly words: () => string } {
    return this.#isByDocument ? this.#byDocument() : this.#tail();
  }

  #isVal(index: number): boolean {
    return new Random(0, Stream.split, index).uniform() < this.#fraction;
  }

  get #isByDocument(): boolean {
    return this.#documents >= MANY_DOCUMENTS && this.#held > 0 && this.#held < this.#documents;
  }

  #byDocument(): ReturnType<Split['route']> {
    const isVal = (index: number): boolean => this.#isVal(index);
    let [index, held] = [0, 0];
    return {
      words: () => `${integer(held)} of ${integer(index)} documents are held out, picked by a hash of their index`,
      *route({ text, docEnd }) {
        const side = isVal(index) ? 'val' : 'train';
        if (docEnd) index++;
        if (docEnd && side === 'val') held++;
        yield { side, text };
      },
    };
  }

  #tail(): ReturnType<Split['route']> {
    const characters = this.#characters;
    const cut = Math.floor(characters * (1 - this.#fraction));
    const where = `from character ${integer(cut)} of ${integer(characters)}`;
    const words = `the last ${percent(this.#fraction)} of the text is held out (${where})`;
    return { words: () => words, route: cutAt(cut) };
  }
}

/** The first `cut` characters of the text are for training. */
export function cutAt(cut: number): Route {
  let seen = 0;
  return function* ({ text }) {
    const at = indexOfCharacter(text, cut - seen);
    seen += countCharacters(text);
    if (at > 0) yield { side: 'train', text: text.slice(0, at) };
    if (at < text.length) yield { side: 'val', text: text.slice(at) };
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
