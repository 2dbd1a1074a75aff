// Python's regular expressions (its module re) on JavaScript's, flag v: what findall finds and what sub puts in its place.
//
// Rewritten, since the two differ:
//   . $ ^ \A \Z      a line ends at \n alone; $ also stands before a last \n
//   \d \w \s \b      of all of Unicode, as Python has them for str, in and outside of [...]
//   (?P<n>..) (?P=n) named groups; (?#..) comments; (?imsxau) flags at the start, (?msx-msx:..) inside
//   { } ] - and all other punctuation, which JavaScript wants escaped in some places and refuses escaped in others
//   \a \x41 \u.. \U.. \012   characters by number
// An empty match does not hinder another one that begins at the same place, as in re.
//
// Refused with a SyntaxError: atomic groups (?>..), possessive quantifiers, conditions (?(1)..|..), \N{..}, the flag i for
// a part of a pattern, and whatever Python refuses. Not like Python: a group that is repeated forgets what it held when
// another repetition passes it by, and a reference to a group that holds nothing matches the empty text.

import { ConfigError } from '../../base/errors.js';
import { SPACE_CLASS } from './python_text.js';

/** A match as re.findall gives it: the text, that of its only group, or those of all its groups ('' where unmatched). */
export type Found = string | readonly string[];

export class PythonRegex {
  readonly #here: RegExp;
  readonly #nonEmptyHere: RegExp;
  readonly #groups: number;
  readonly #names: ReadonlyMap<string, number>;

  /** re.compile(pattern). Throws SyntaxError. */
  constructor(pattern: string) {
    try {
      const { source, groups, names, ignoreCase } = new Translation(pattern).result;
      const flags = ignoreCase ? 'iv' : 'v';
      this.#groups = groups;
      this.#names = names;
      // not flag g: V8 looks for assertions between the two halves of a character beyond U+FFFF too
      this.#here = new RegExp(source, `y${flags}`);
      this.#nonEmptyHere = new RegExp(`(?=(?<rest>${ANY}*))(?:${source})(?!\\k<rest>${END})`, `y${flags}`);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SyntaxError(`the regular expression ${pattern}: ${error.message}`);
    }
  }

  /** The same, with a ConfigError that says where the pattern stands. */
  static at(where: string, pattern: string): PythonRegex {
    try {
      return new PythonRegex(pattern);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new ConfigError(`${where}: ${error.message}`, 'write it in another way');
    }
  }

  /** re.findall(pattern, text) */
  findAll(text: string): Found[] {
    return [...this.#matches(text)].map(({ 0: whole, groups }) => {
      if (this.#groups === 0) return whole;
      const texts = Array.from({ length: this.#groups }, (_, i) => groups![`_${i + 1}`] ?? '');
      return this.#groups === 1 ? texts[0]! : texts;
    });
  }

  /** re.sub(pattern, replacement, text, count): 0 replaces all. Throws SyntaxError for a replacement that Python refuses. */
  sub(replacement: string, text: string, count = 0): string {
    const parts = this.#template(replacement);
    let [result, from, done] = ['', 0, 0];
    for (const { 0: whole, index, groups } of this.#matches(text)) {
      if (count !== 0 && done++ >= count) break;
      const put = parts.map((part) => (typeof part === 'string' ? part : part === 0 ? whole : groups![`_${part}`]));
      result += text.slice(from, index) + put.map((piece) => piece ?? '').join('');
      from = index + whole.length;
    }
    return result + text.slice(from);
  }

  /** A replacement as text and numbers of groups: \1 \g<1> \g<name> are groups, \n and the like and \012 characters. */
  #template(replacement: string): (string | number)[] {
    const parts: (string | number)[] = [];
    for (const [piece, name, octal, number, char] of replacement.matchAll(REPLACEMENT)) {
      const group = name === undefined ? number : (this.#names.get(name) ?? name);
      if (octal !== undefined) parts.push(String.fromCodePoint(Number.parseInt(octal, 8)));
      else if (group !== undefined) {
        if (!(Number(group) <= this.#groups)) throw new SyntaxError(`a reference to no group: ${piece}`);
        parts.push(Number(group));
      } else if (char === undefined) parts.push(piece);
      else if (char === '\\') parts.push(char);
      else if (Object.hasOwn(CONTROL, char)) parts.push(String.fromCodePoint(CONTROL[char]!));
      else if (char === '' || /[a-zA-Z]/.test(char)) throw new SyntaxError(`bad escape \\${char} in ${replacement}`);
      else parts.push(piece);
    }
    return parts;
  }

  *#matches(text: string): Generator<RegExpExecArray> {
    let afterEmpty = false;
    for (let at = 0; at <= text.length; ) {
      const regex: RegExp = afterEmpty ? this.#nonEmptyHere : this.#here;
      regex.lastIndex = at;
      const match: RegExpExecArray | null = regex.exec(text);
      afterEmpty = match?.[0] === '';
      if (match) {
        yield match;
        at += match[0].length;
      } else {
        at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      }
    }
  }
}

/** re.escape: a pattern that finds this text. */
export const escapeRegex = (text: string): string => text.replace(/[^\p{L}\p{N}_]/gu, '\\$&');

// ----

const ANY = '[\\s\\S]';
const START = '^';
const END = '$';
const UNICODE = { d: '\\p{Nd}', w: '\\p{L}\\p{N}_', s: SPACE_CLASS };
const ASCII = { d: '0-9', w: 'a-zA-Z0-9_', s: '\\t-\\r\\x20' };
const CONTROL: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };
const REPLACEMENT = /\\(?:g<(\w+)>|(0[0-7]{0,2}|[0-3][0-7]{2})|([1-9]\d?)|([\s\S]?))|[^\\]+/g;

interface Flags {
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly verbose: boolean;
}

/** An atom of the pattern; JavaScript refuses to repeat an assertion. */
interface Atom {
  readonly source: string;
  readonly assertion?: true;
}

/** One pass over a pattern. Throws SyntaxError. */
class Translation {
  readonly result: {
    readonly source: string;
    readonly groups: number;
    readonly names: ReadonlyMap<string, number>;
    readonly ignoreCase: boolean;
  };
  readonly #chars: readonly string[];
  #at = 0;
  #groups = 0;
  readonly #names = new Map<string, number>();
  readonly #sets: typeof UNICODE;

  constructor(pattern: string) {
    const [inline, letters = ''] = /^(?:\(\?([aimsuxL]+)\))?/.exec(pattern)!;
    this.#chars = [...pattern.slice(inline.length)];
    this.#sets = letters.includes('a') ? ASCII : UNICODE;
    const flags = { multiline: letters.includes('m'), dotAll: letters.includes('s'), verbose: letters.includes('x') };
    const source = this.#alternatives(flags);
    if (this.#at < this.#chars.length) throw new SyntaxError('unbalanced )');
    this.result = { source, groups: this.#groups, names: this.#names, ignoreCase: letters.includes('i') };
  }

  /** Up to the ) of the group, or the end. */
  #alternatives(flags: Flags): string {
    let source = '';
    for (;;) {
      const char = this.#chars[this.#at];
      if (char === undefined || char === ')') return source;
      if (this.#skipped(flags)) continue;
      if (char === '|') {
        source += '|';
        this.#at++;
      } else {
        source += this.#repeated(this.#atom(flags), flags);
      }
    }
  }

  /** White space and comments of the flag x. */
  #skipped({ verbose }: Flags): boolean {
    const char = this.#chars[this.#at] ?? '';
    if (!verbose || !/[ \t-\r#]/.test(char)) return false;
    if (char === '#') while (this.#at < this.#chars.length && this.#chars[this.#at] !== '\n') this.#at++;
    else this.#at++;
    return true;
  }

  #atom(flags: Flags): Atom {
    const char = this.#chars[this.#at++]!;
    switch (char) {
      case '.':
        return { source: flags.dotAll ? ANY : '[^\\n]' };
      case '^':
        return { source: flags.multiline ? '(?<![^\\n])' : START, assertion: true };
      case '$':
        return { source: flags.multiline ? '(?![^\\n])' : `(?=\\n?${END})`, assertion: true };
      case '[':
        return { source: this.#set() };
      case '(':
        return this.#group(flags);
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new SyntaxError('nothing to repeat');
      case '{':
        this.#at--;
        if (this.#quantifier() !== '') throw new SyntaxError('nothing to repeat');
        this.#at++;
        return { source: literal(char) };
      default:
        return { source: literal(char) };
    }
  }

  #repeated({ source, assertion }: Atom, flags: Flags): string {
    while (this.#skipped(flags));
    const times = this.#quantifier();
    if (times === '') return source;
    const lazy = this.#took('?') ? '?' : '';
    if (lazy === '' && this.#took('+')) throw new SyntaxError(`possessive quantifier ${times}+`);
    while (this.#skipped(flags));
    if (this.#quantifier() !== '') throw new SyntaxError('multiple repeat');
    return `${assertion ? `(?:${source})` : source}${times}${lazy}`;
  }

  #quantifier(): string {
    for (const sign of ['*', '+', '?']) if (this.#took(sign)) return sign;
    const counts = /^\{(\d*)(,?)(\d*)\}/.exec(this.#chars.slice(this.#at, this.#at + 24).join(''));
    if (!counts || counts[0] === '{}') return '';
    this.#at += counts[0].length;
    return `{${counts[1] || 0}${counts[2]}${counts[3]}}`;
  }

  #group(flags: Flags): Atom {
    if (!this.#took('?')) return this.#capture(flags);
    for (const sign of ['=', '!', '<=', '<!']) {
      if (this.#took(sign)) return { source: `(?${sign}${this.#inside(flags)})`, assertion: true };
    }
    if (this.#took('P<')) return this.#capture(flags, this.#until('>'));
    if (this.#took('P=')) return this.#reference(this.#names.get(this.#until(')')));
    if (this.#took('#')) {
      this.#until(')');
      return { source: '' };
    }
    const [scope, on, off = ''] = /^([aimsuxL]*)(?:-([imsx]+))?:/.exec(this.#chars.slice(this.#at).join('')) ?? [];
    if (scope === undefined) throw new SyntaxError(`(?${this.#chars[this.#at] ?? ''}`);
    if (/[iaL]/.test(on + off)) throw new SyntaxError(`flags of a part of the pattern: (?${scope}`);
    this.#at += scope.length;
    const now = (letter: string, before: boolean) => (on!.includes(letter) || before) && !off.includes(letter);
    const { multiline, dotAll, verbose } = flags;
    const inner = { multiline: now('m', multiline), dotAll: now('s', dotAll), verbose: now('x', verbose) };
    return { source: `(?:${this.#inside(inner)})` };
  }

  #capture(flags: Flags, name?: string): Atom {
    const number = ++this.#groups;
    if (name !== undefined) this.#names.set(name, number);
    return { source: `(?<_${number}>${this.#inside(flags)})` };
  }

  #inside(flags: Flags): string {
    const source = this.#alternatives(flags);
    if (!this.#took(')')) throw new SyntaxError('missing )');
    return source;
  }

  #reference(group: number | undefined): Atom {
    if (group === undefined || group > this.#groups) throw new SyntaxError('a reference to no group');
    return { source: `\\k<_${group}>` };
  }

  /** After a backslash outside of [...]. */
  #escape(): Atom {
    const char = this.#chars[this.#at] ?? '';
    const { w } = this.#sets;
    const anchors: Readonly<Record<string, string>> = {
      A: START,
      Z: END,
      b: `(?:(?<=[${w}])(?![${w}])|(?<![${w}])(?=[${w}]))`,
      B: `(?:(?<=[${w}])(?=[${w}])|(?<![${w}])(?![${w}]))`,
    };
    if (Object.hasOwn(anchors, char)) {
      this.#at++;
      return { source: anchors[char]!, assertion: true };
    }
    const digits = /^[1-9]\d?/.exec(this.#chars.slice(this.#at, this.#at + 2).join(''))?.[0];
    if (digits && !/^[0-3][0-7]{2}/.test(this.#chars.slice(this.#at, this.#at + 3).join(''))) {
      this.#at += digits.length;
      return this.#reference(Number(digits));
    }
    const set = this.#classEscape();
    return { source: set === undefined ? literal(this.#character()) : `[${set}]` };
  }

  /** \d \w \s and their opposites, as they stand in a class. */
  #classEscape(): string | undefined {
    const char = this.#chars[this.#at] ?? '';
    const inside = this.#sets[char.toLowerCase() as 'd'];
    if (inside === undefined) return undefined;
    this.#at++;
    return char === char.toLowerCase() ? inside : `[^${inside}]`;
  }

  /** The character that an escape stands for. */
  #character(): string {
    const rest = this.#chars.slice(this.#at, this.#at + 9).join('');
    const hex = /^(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/.exec(rest);
    const octal = /^(?:0[0-7]{0,2}|[0-3][0-7]{2})/.exec(rest);
    const char = this.#chars[this.#at++];
    if (hex) {
      this.#at += hex[0].length - 1;
      return String.fromCodePoint(Number.parseInt(hex[1] ?? hex[2] ?? hex[3]!, 16));
    }
    if (octal) {
      this.#at += octal[0].length - 1;
      return String.fromCodePoint(Number.parseInt(octal[0], 8));
    }
    if (char === undefined) throw new SyntaxError('bad escape at its end');
    if (Object.hasOwn(CONTROL, char)) return String.fromCodePoint(CONTROL[char]!);
    if (/[a-zA-Z0-9]/.test(char)) throw new SyntaxError(`bad escape \\${char}`);
    return char;
  }

  /** After a [: a ] that comes first is a character like any other. */
  #set(): string {
    let source = this.#took('^') ? '[^' : '[';
    for (let first = true; first || this.#chars[this.#at] !== ']'; first = false) {
      const low = this.#member();
      const range = this.#chars[this.#at] === '-' && this.#chars[this.#at + 1] !== ']' && this.#chars[this.#at + 1];
      if (!range) {
        source += low.set ?? literal(low.char);
        continue;
      }
      this.#at++;
      const high = this.#member();
      if (low.set !== undefined || high.set !== undefined) throw new SyntaxError('a range of classes in [...]');
      source += `${literal(low.char)}-${literal(high.char)}`;
    }
    this.#at++;
    return `${source}]`;
  }

  #member(): { readonly char: string; readonly set?: string } {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new SyntaxError('missing ]');
    if (char !== '\\') return { char };
    const set = this.#classEscape();
    if (set !== undefined) return { char: '', set };
    return { char: this.#character() };
  }

  #took(text: string): boolean {
    if (![...text].every((char, i) => this.#chars[this.#at + i] === char)) return false;
    this.#at += text.length;
    return true;
  }

  /** The text up to a sign, past which it goes. */
  #until(sign: string): string {
    const from = this.#at;
    const to = this.#chars.indexOf(sign, from);
    if (to < 0) throw new SyntaxError(`missing ${sign}`);
    this.#at = to + 1;
    return this.#chars.slice(from, to).join('');
  }
}

/** A character that stands for itself, in a class or outside. */
const literal = (char: string): string =>
  /[a-zA-Z0-9]/.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`;
