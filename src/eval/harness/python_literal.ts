// Python's ast.literal_eval: the value of text that is a Python literal, as doc_to_choice and doc_to_target are read.
//
//   numbers, True, False, None, text ('...', "...", '''...''', with prefix r or u, neighbours joined), [list], (tuple),
//   {dict}; a trailing comma, line breaks in brackets, and comments. Not: bytes, sets, complex numbers, f-strings.

import { dict, tuple } from './python_value.js';

/** The value of a literal. Throws SyntaxError for anything else. */
export function literalEval(text: string): unknown {
  return new Literal(text.replace(/^[ \t]+/, '')).value();
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const NUMBER = /(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*)?\.?[\d_]*(?:[eE][+-]?\d[\d_]*)?)/y;

class Literal {
  #at = 0;
  #depth = 0; // of brackets: line breaks are spaces inside

  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  value(): unknown {
    const items = [this.#item()];
    let comma = false;
    while (this.#take(',')) {
      comma = true;
      this.#space();
      if (this.#at >= this.text.trimEnd().length) break;
      items.push(this.#item());
    }
    this.#depth = 1; // line breaks after the end do not matter
    this.#space();
    if (this.#at !== this.text.length) this.#fail();
    return comma ? tuple(items) : items[0];
  }

  #item(): unknown {
    this.#space();
    const char = this.text[this.#at] ?? '';
    if (char === '[') return this.#sequence(']').items;
    if (char === '(') {
      const { items, comma } = this.#sequence(')');
      return items.length === 1 && !comma ? items[0] : tuple(items);
    }
    if (char === '{') return this.#dict();
    if (/^(?:[rRuU]?['"])/.test(this.text.slice(this.#at, this.#at + 2))) return this.#strings();
    for (const [name, value] of [
      ['True', true],
      ['False', false],
      ['None', null],
    ] as const) {
      if (this.text.startsWith(name, this.#at) && !/[\w]/.test(this.text[this.#at + name.length] ?? '')) {
        this.#at += name.length;
        return value;
      }
    }
    return this.#number();
  }

  #sequence(close: string): { items: unknown[]; comma: boolean } {
    const items: unknown[] = [];
    let comma = false;
    this.#open();
    while (!this.#take(close)) {
      if (items.length > 0 && !comma) this.#fail();
      items.push(this.#item());
      comma = this.#take(',');
    }
    this.#depth--;
    return { items, comma };
  }

  #dict(): object {
    const entries: [unknown, unknown][] = [];
    let comma = true;
    this.#open();
    while (!this.#take('}')) {
      if (!comma) this.#fail();
      const key = this.#item();
      if (!this.#take(':')) this.#fail();
      entries.push([key, this.#item()]);
      comma = this.#take(',');
    }
    this.#depth--;
    return dict(entries);
  }

  #open(): void {
    this.#at++;
    this.#depth++;
  }

  #number(): number {
    let sign = 1;
    for (; /[+-]/.test(this.text[this.#at] ?? ''); this.#at++) {
      if (this.text[this.#at] === '-') sign = -sign;
      this.#space();
    }
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.text)?.[0] ?? '';
    const after = this.text[this.#at + digits.length] ?? '';
    const wrong = !/\d/.test(digits) || /__|_$|_\.|\._/.test(digits) || /^0[\d_]*[1-9][\d_]*$/.test(digits);
    if (wrong || /[\w.]/.test(after)) this.#fail(); // an int does not begin with 0
    this.#at += digits.length;
    const value = Number(digits.replaceAll('_', ''));
    return sign < 0 && value === 0 && !/[.eE]/.test(digits) ? 0 : sign * value;
  }

  /** One or more pieces of text side by side. */
  #strings(): string {
    let joined = '';
    do {
      joined += this.#string();
      this.#space();
    } while (/^(?:[rRuU]?['"])/.test(this.text.slice(this.#at, this.#at + 2)));
    return joined;
  }

  #string(): string {
    const raw = /[rR]/.test(this.text[this.#at]!);
    if (/[rRuU]/.test(this.text[this.#at]!)) this.#at++;
    const quote = this.text[this.#at]!;
    const close = this.text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote;
    this.#at += close.length;
    let out = '';
    while (!this.text.startsWith(close, this.#at)) {
      const char = this.text[this.#at++];
      if (char === undefined || (char === '\n' && close.length === 1)) this.#fail();
      if (char !== '\\') out += char;
      else if (raw) out += char + (this.text[this.#at++] ?? this.#fail());
      else out += this.#escape();
    }
    this.#at += close.length;
    return out;
  }

  #escape(): string {
    const char = this.text[this.#at++] ?? this.#fail();
    const simple = SIMPLE_ESCAPES[char];
    if (simple !== undefined) return simple;
    const octal = /^[0-7]{1,3}/.exec(this.text.slice(this.#at - 1, this.#at + 2))?.[0];
    if (octal !== undefined) {
      this.#at += octal.length - 1;
      return String.fromCodePoint(Number.parseInt(octal, 8));
    }
    const length = HEX_DIGITS[char];
    if (length === undefined) return `\\${char}`; // Python keeps the backslash of an escape it does not know
    const hex = this.text.slice(this.#at, this.#at + length);
    const code = Number.parseInt(hex, 16);
    if (!/^[\da-fA-F]+$/.test(hex) || hex.length < length || code > 0x10ffff) this.#fail();
    this.#at += length;
    return String.fromCodePoint(code);
  }

  #take(char: string): boolean {
    this.#space();
    if (this.text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    const space = this.#depth > 0 ? /(?:[ \t\f\r\n]|\\\n|#[^\n]*)*/y : /(?:[ \t\f]|\\\n|#[^\n]*)*/y;
    space.lastIndex = this.#at;
    space.exec(this.text);
    this.#at = space.lastIndex;
  }

  #fail(): never {
    throw new SyntaxError(`no Python literal: ${this.text.slice(0, 80)}`);
  }
}
