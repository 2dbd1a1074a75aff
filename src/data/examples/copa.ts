// COPA's XML (Roemmele et al. 2011), as rows: exactly what its copa.dtd allows.
//
//   <item id="1" asks-for="cause" most-plausible-alternative="1">      premise    The glass fell.
//     <p>The glass fell.</p>                                           question   cause
//     <a1>It was pushed.</a1>                                     ->   choice1    It was pushed.
//     <a2>It was full.</a2>                                            choice2    It was full.
//   </item>                                                            label      0, from 0 as everywhere in gpt
//
// The columns are those of SuperGLUE's COPA, which is .jsonl. The published files have fewer than 1,100 items: they are
// read whole.

import { DataError } from '../../base/errors.js';
import { quoted } from '../../base/format.js';
import { Pieces, readBlocks } from '../blocks.js';
import { badRow, type OnBadRow, type Row } from '../row.js';

const RULE =
  'each <item asks-for="cause|effect" most-plausible-alternative="1|2"> holds <p>, <a1> and <a2>, as in copa.dtd';
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Rows of COPA's XML. Throws DataError with file and line. */
export async function* readCopa(file: string, onBadRow?: OnBadRow): AsyncGenerator<Row> {
  const held = new Pieces(() => `${file}: the file`);
  for await (const block of readBlocks(file)) held.add(block);
  yield* new CopaReader(file, held.take().toString()).rows(onBadRow);
}

class CopaReader {
  readonly #file: string;
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  *rows(onBadRow: OnBadRow | undefined): Generator<Row> {
    this.#take(/<\?xml[^>]*\?>/y);
    this.#take(/<!DOCTYPE[^>[]*>/y);
    if (!this.#take(/<copa-corpus(\s[^<>]*)?>/y)) throw this.#unexpected('<copa-corpus>');
    for (;;) {
      const line = this.#skipSpace();
      const item = this.#take(/<item((?:\s+[\w-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*>/y);
      if (!item) break;
      const place = `${this.#file}:${line}`;
      const [premise, choice1, choice2] = [this.#element('p'), this.#element('a1'), this.#element('a2')];
      if (!this.#take(/<\/item\s*>/y)) throw this.#unexpected('</item>');
      const attributes = this.#attributes(item[1]!);
      const question = attributes.get('asks-for');
      const plausible = attributes.get('most-plausible-alternative') ?? null; // a test set may leave it out
      if (question !== 'cause' && question !== 'effect') {
        badRow(wrong(place, 'asks-for', question, '"cause" or "effect"'), onBadRow);
      } else if (plausible !== null && plausible !== '1' && plausible !== '2') {
        badRow(wrong(place, 'most-plausible-alternative', plausible, '"1" or "2"'), onBadRow);
      } else {
        const label = plausible === null ? null : Number(plausible) - 1;
        yield { place, values: { premise, question, choice1, choice2, label } };
      }
    }
    if (!this.#take(/<\/copa-corpus\s*>/y)) throw this.#unexpected('<item ...> or </copa-corpus>');
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected('the end of the file');
  }

  /** The text of <name>...</name>, in which line breaks are spaces. */
  #element(name: string): string {
    const found = this.#take(new RegExp(`<${name}\\s*>([^<]*)</${name}\\s*>`, 'y'));
    if (!found) throw this.#unexpected(`<${name}>text</${name}>`);
    return this.#decode(found[1]!).replace(/\s+/g, ' ');
  }

  #attributes(text: string): Map<string, string> {
    const pairs = text.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g);
    return new Map(Array.from(pairs, ([, name, double, single]) => [name!, double ?? single!]));
  }

  #decode(text: string): string {
    return text.replace(/&(#x?)?([\w]*);?/gi, (all, number: string | undefined, name: string) => {
      const code = number === undefined ? Number.NaN : Number.parseInt(name, number.length === 2 ? 16 : 10);
      const character =
        number === undefined ? ENTITIES[name] : code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
      if (character !== undefined && all.endsWith(';')) return character;
      const what = `${quoted(all)} is no character that XML knows by itself`;
      throw new DataError(`${this.#file}:${this.#line}: ${what}`, 'write &amp; for &, &lt; for < and &gt; for >');
    });
  }

  /** Moves past white space, comments and what the pattern matches there. */
  #take(pattern: RegExp): RegExpExecArray | undefined {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#move(found[0].length);
    return found ?? undefined;
  }

  /** Moves past white space and comments, and returns the line that is reached. */
  #skipSpace(): number {
    for (;;) {
      const space = /\s*/y;
      space.lastIndex = this.#at;
      this.#move(space.exec(this.#text)![0].length);
      const end = this.#text.startsWith('<!--', this.#at) ? this.#text.indexOf('-->', this.#at) : -1;
      if (end < 0) return this.#line;
      this.#move(end + 3 - this.#at);
    }
  }

  #move(length: number): void {
    const to = this.#at + length;
    for (; this.#at < to; this.#at++) if (this.#text[this.#at] === '\n') this.#line++;
  }

  #unexpected(wanted: string): DataError {
    this.#skipSpace();
    const rest = this.#text.slice(this.#at, this.#at + 30);
    const seen = rest === '' ? 'the file ends' : quoted(rest);
    return new DataError(`${this.#file}:${this.#line}: not COPA's XML: ${seen}, expected ${wanted}`, RULE);
  }
}

function wrong(place: string, name: string, value: string | undefined, wanted: string): DataError {
  return new DataError(
    `${place}: ${name} is ${value === undefined ? 'missing' : quoted(value)}, expected ${wanted}`,
    RULE,
  );
}
