// Which documents of a corpus are held out. A function of a document's text, so that it does not matter in which part, file
// or order documents come: of rows, and of text files where there are 20 or more of these, by a hash of their beginning; of
// fewer text files each one's end, as a run does it with a text (split.ts).

import { integer, percent } from '../../base/format.js';
import { textFraction } from '../duplicates.js';
import { readText } from '../read.js';
import { formatOf } from '../rows.js';
import { countCharacters, cutAt, everything, type Route } from '../split.js';

const MANY_TEXTS = 20;
const HASHED = 1 << 16; // UTF-16 units of a document that decide

/** Of the files of a corpus, those of all parts. */
export interface Sides {
  /** In words. */
  readonly words: string;
  /** Where the documents of a file go; the whole file must pass, once. Throws DataError where it cannot be read. */
  routeOf(file: string): Promise<Route>;
}

/** How val_fraction is held out of these files. */
export function sidesOf(files: readonly string[], valFraction: number): Sides {
  const texts = files.filter((path) => formatOf(path) === undefined).length;
  const hasTails = texts < MANY_TEXTS;
  const byHash = `a document is held out with probability ${percent(valFraction)}, by a hash of its first ${integer(HASHED)} characters`;
  const tail = `of each text file the last ${percent(valFraction)} is held out`;
  const tailWords = texts === files.length ? tail : `${byHash}; ${tail}`;
  return {
    words: texts === 0 || !hasTails ? byHash : tailWords,
    routeOf: async (file) => {
      if (!hasTails || formatOf(file) !== undefined) return hashRoute(valFraction);
      let characters = 0;
      for await (const { text } of readText([file], { textKey: '' })) characters += countCharacters(text);
      return cutAt(Math.floor(characters * (1 - valFraction)));
    },
  };
}

function hashRoute(valFraction: number): Route {
  let route = everything('train');
  return (chunk) => {
    if (chunk.docStart) route = everything(textFraction(chunk.text.slice(0, HASHED)) < valFraction ? 'val' : 'train');
    return route(chunk);
  };
}
