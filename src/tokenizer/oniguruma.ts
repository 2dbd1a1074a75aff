// A pattern of Hugging Face's files (Oniguruma, Ruby's syntax, UTF-8) as a RegExp of JavaScript with the flags g and v.
//
// What differs, and what is done about it:
//
//   \s             Unicode's White_Space; JavaScript's has U+FEFF too, and lacks U+0085
//   \w \d \h       letters, marks, digits and connectors; \p{Nd}; a hexadecimal digit
//   ^ $ .          at every line; any character but \n
//   x?+ x*+ x++    possessive, and (?>x) atomic: (?=(?<p>x))\k<p>, what a lookahead has found is not taken back
//   x{1,3}+        not possessive in Ruby's syntax: one or more of x{1,3}
//   x{,3}          x{0,3}
//   (?i:'s)        spelled out, since Node 20 has no such groups: '[sSſ]. Only ASCII characters, no ranges of them,
//                  and no pair that a ligature folds to (ss st ff fi fl): Oniguruma would match "ß" or "ﬁ" there
//   [a[b]&&[^c]]   nested and intersected classes, which the flag v has too
//   (x)            a group for the eye only
//
// Anything else (back references, recursion, \p in (?i:), \b, \G, ...) is an error: a pattern that is read almost
// rightly gives almost the right ids. test/tokenizer/reference/ has pieces made by Hugging Face's tokenizers.

/** Why a pattern cannot be used. */
export class PatternError extends Error {}

/** Throws PatternError. */
export function patternOf(oniguruma: string): RegExp {
  const source = new Translator(oniguruma).whole();
  try {
    return new RegExp(source, 'gv');
  } catch {
    throw new PatternError('it is no valid pattern');
  }
}

// Measured on every assigned character below U+20000. Outside a class \w has Latin-1's ² ³ ¹ ¼ ½ ¾ too.
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}';
const LATIN_NUMBERS = '\\u{b2}\\u{b3}\\u{b9}\\u{bc}-\\u{be}';

/** Of \x inside a class: a class of its own. */
const CLASSES: Readonly<Record<string, string>> = {
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: `[${WORD}]`,
  W: `[^${WORD}]`,
  h: '[0-9A-Fa-f]',
  H: '[^0-9A-Fa-f]',
};

/** Of [:name:] and \p{name}, where JavaScript has no such property. */
const PROPERTIES: Readonly<Record<string, string>> = {
  alnum: '[\\p{Alphabetic}\\p{Nd}]',
  alpha: '\\p{Alphabetic}',
  cntrl: '\\p{Cc}',
  digit: '\\p{Nd}',
  lower: '\\p{Lowercase}',
  punct: '\\p{P}',
  space: '\\p{White_Space}',
  upper: '\\p{Uppercase}',
  word: `[${WORD}]`,
  xdigit: '[0-9A-Fa-f]',
};

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 };

/** ASCII letters that share a folded form with a letter outside ASCII: long s, and the Kelvin sign. */
const FOLDED: Readonly<Record<string, string>> = { s: '\u017f', k: '\u212a' };
const LIGATURES = /ss|st|f[fil]/i;

class Translator {
  readonly #source: string;
  #at = 0;
  #groups = 0;
  #depth = 0;
  #ignoreCase = false;
  #dotAll = false;
  /** Literals in (?i:) that stand next to each other. */
  #run = '';

  constructor(source: string) {
    this.#source = source;
  }

  whole(): string {
    const source = this.#alternatives();
    if (this.#at < this.#source.length) throw new PatternError('it has a ) too many');
    return source;
  }

  #alternatives(): string {
    if (++this.#depth > 200) throw new PatternError('its groups are nested too deeply');
    const [ignoreCase, dotAll] = [this.#ignoreCase, this.#dotAll];
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    [this.#ignoreCase, this.#dotAll] = [ignoreCase, dotAll]; // (?i) holds until the end of its group
    this.#depth--;
    return parts.join('|');
  }

  #sequence(): string {
    let out = '';
    this.#run = '';
    while (this.#at < this.#source.length && !this.#sees('|') && !this.#sees(')')) out += this.#quantified();
    return out;
  }

  #quantified(): string {
    let atom = this.#atom();
    for (;;) {
      const counts = this.#counts();
      if (counts === undefined) return atom;
      this.#run = '';
      const isInterval = counts.startsWith('{');
      if (this.#take('?')) {
        if (/^\{\d+\}$/.test(counts)) throw new PatternError(`${counts}? means other things to other engines`);
        atom = `(?:${atom})${counts}?`;
      } else if (!isInterval && this.#take('+')) atom = this.#atomic(`(?:${atom})${counts}`);
      else atom = `(?:${atom})${counts}`;
    }
  }

  /** ? * + or {n,m}, as JavaScript has it. */
  #counts(): string | undefined {
    const simple = this.#match(/[?*+]/y);
    if (simple) return simple[0];
    const interval = this.#match(/\{(?:(\d+)(,?)(\d*)|,(\d+))\}/y);
    if (!interval) return undefined;
    const [, least, comma, most, only] = interval;
    return only === undefined ? `{${least}${comma}${most}}` : `{0,${only}}`;
  }

  /** What is matched is kept: no way back into it. */
  #atomic(body: string): string {
    const name = `p${this.#groups++}`;
    return `(?:(?=(?<${name}>${body}))\\k<${name}>)`;
  }

  #atom(): string {
    const char = this.#next();
    if (char !== '\\' && !/[A-Za-z]/.test(char)) this.#run = '';
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        return this.#dotAll ? '\\p{Any}' : '[^\\n]';
      case '^':
        return '(?:^|(?<=\\n)(?!$))';
      case '$':
        return '(?=\\n|$)';
      case '\\':
        return this.#escape();
      case '?':
      case '*':
      case '+':
        throw new PatternError(`it has a ${char} that repeats nothing`);
      default:
        return this.#literal(char);
    }
  }

  #literal(char: string): string {
    if (!this.#ignoreCase) return codeOf(char);
    if (char > '\x7f') throw new PatternError(`it has ${JSON.stringify(char)} where case is ignored`);
    this.#run += char;
    if (LIGATURES.test(this.#run.slice(-2))) {
      throw new PatternError(`it has ${JSON.stringify(this.#run.slice(-2))} where case is ignored`);
    }
    return folded(char);
  }

  #group(): string {
    if (!this.#take('?')) return this.#closed('(?:');
    if (this.#take('#')) {
      const end = this.#source.indexOf(')', this.#at);
      if (end < 0) throw new PatternError('a group is not closed');
      this.#at = end + 1;
      return '';
    }
    if (this.#take('>')) return this.#atomic(this.#closed(''));
    const look = this.#match(/<?[=!]|:/y);
    if (look) return this.#closed(`(?${look[0]}`);
    if (this.#match(/<[A-Za-z_]\w*>/y)) return this.#closed('(?:');
    const options = this.#match(/([im]*)(?:-([im]+))?(?=[:)])/y);
    if (!options) throw new PatternError('it has a group of a kind that gpt does not know');
    const [ignoreCase, dotAll] = [this.#ignoreCase, this.#dotAll];
    for (const option of options[1]!) this.#setOption(option, true);
    for (const option of options[2] ?? '') this.#setOption(option, false);
    if (this.#take(')')) {
      // (?i) takes all that follows in its group into a group of its own: a|(?i)b|c is a|(?i:b|c)
      const rest = `(?:${this.#alternatives()})`;
      [this.#ignoreCase, this.#dotAll] = [ignoreCase, dotAll];
      return rest;
    }
    this.#at++;
    const group = this.#closed('(?:');
    [this.#ignoreCase, this.#dotAll] = [ignoreCase, dotAll];
    return group;
  }

  #setOption(option: string, on: boolean): void {
    if (option === 'i') this.#ignoreCase = on;
    else this.#dotAll = on; // Ruby's m
  }

  /** The rest of a group that begins with `open`; with '' its content alone. */
  #closed(open: string): string {
    const inner = this.#alternatives();
    this.#run = '';
    if (!this.#take(')')) throw new PatternError('a group is not closed');
    return open === '' ? inner : `${open}${inner})`;
  }

  #escape(): string {
    const at = this.#at;
    const char = this.#next();
    if (char in CLASSES || char === 'p' || char === 'P') {
      if (this.#ignoreCase && !/[sSdD]/.test(char)) throw new PatternError(`it has \\${char} where case is ignored`);
      this.#run = '';
      if (char === 'w' || char === 'W') return `[${char === 'W' ? '^' : ''}${WORD}${LATIN_NUMBERS}]`;
      return CLASSES[char] ?? this.#property(char === 'P');
    }
    if (char === 'A') return '(?<!\\p{Any})';
    if (char === 'z') return '(?!\\p{Any})';
    if (char === 'Z') return '(?=\\n?(?!\\p{Any}))';
    this.#at = at;
    return this.#literal(this.#escapedChar());
  }

  /** After a backslash: the one character that it stands for. */
  #escapedChar(): string {
    const hex = this.#match(/x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})/y);
    if (hex) {
      const code = Number.parseInt((hex[1] ?? hex[2] ?? hex[3])!, 16);
      if (code > 0x10ffff || (hex[2] !== undefined && code > 0x7f)) throw new PatternError(`it has \\${hex[0]}`);
      return String.fromCodePoint(code);
    }
    const char = this.#next();
    if (CONTROLS[char] !== undefined) return String.fromCharCode(CONTROLS[char]);
    if (/[A-Za-z0-9]/.test(char)) throw new PatternError(`gpt does not know \\${char}`);
    return char;
  }

  /** After \p or \P. */
  #property(isInverted: boolean): string {
    const braces = this.#match(/\{(\^?)([\w -]+)\}/y);
    if (!braces) throw new PatternError('it has \\p without a name');
    return propertyClass(braces[2]!, isInverted !== (braces[1] === '^'));
  }

  /** After [. */
  #class(): string {
    if (++this.#depth > 200) throw new PatternError('its classes are nested too deeply');
    const inverted = this.#take('^') ? '^' : '';
    const operands: string[] = [];
    let items = '';
    while (!this.#take(']')) {
      if (this.#match(/&&/y)) {
        operands.push(items);
        items = '';
      } else items += this.#item();
    }
    operands.push(items);
    this.#depth--;
    if (operands.includes('')) throw new PatternError('it has an empty class');
    return operands.length === 1 ? `[${inverted}${items}]` : `[${inverted}${operands.map((o) => `[${o}]`).join('&&')}]`;
  }

  #item(): string {
    const posix = this.#match(/\[:(\^?)(\w+):\]/y);
    if (posix) {
      if (this.#ignoreCase) throw new PatternError(`it has ${posix[0]} where case is ignored`);
      const [, inverted, name] = posix;
      if (name === 'punct') return `[${inverted}\\p{P}\\p{S}]`; // in brackets, and only there, symbols too
      return propertyClass(name!, inverted === '^');
    }
    if (this.#take('[')) return this.#class();
    const first = this.#member();
    if (!isCode(first) || !this.#match(/-(?!\]|&&)/y)) return this.#ignoreCase ? foldedItem(first) : first;
    if (this.#ignoreCase) throw new PatternError('it has a range where case is ignored');
    const last = this.#sees('[') ? '' : this.#member();
    if (!isCode(last)) throw new PatternError('it has a range without an end');
    return `${first}-${last}`;
  }

  /** A character, or \s and the like. */
  #member(): string {
    const char = this.#next();
    if (char !== '\\') return codeOf(char);
    const escaped = this.#source[this.#at] ?? '';
    if (escaped in CLASSES) {
      this.#at++;
      return CLASSES[escaped]!;
    }
    if (this.#match(/[pP]/y)) return this.#property(escaped === 'P');
    return codeOf(this.#escapedChar());
  }

  /** The next character, which may be two units long. */
  #next(): string {
    const code = this.#source.codePointAt(this.#at);
    if (code === undefined) throw new PatternError('it ends too early');
    const char = String.fromCodePoint(code);
    this.#at += char.length;
    return char;
  }

  #sees(char: string): boolean {
    return this.#source[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#sees(char)) return false;
    this.#at++;
    return true;
  }

  #match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#source);
    if (found) this.#at += found[0].length;
    return found;
  }
}

/** A character as every place of a RegExp takes it. */
const codeOf = (char: string): string =>
  /[A-Za-z0-9]/.test(char) ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`;

/** An ASCII character in both its cases. */
function folded(char: string): string {
  const lower = char.toLowerCase();
  if (lower === char.toUpperCase()) return codeOf(char);
  return `[${[lower, char.toUpperCase(), ...(FOLDED[lower] ?? '')].map(codeOf).join('')}]`;
}

/** A member of a class, likewise. */
function foldedItem(item: string): string {
  if (/^[A-Za-z]$/.test(item)) return folded(item);
  if (/^\\u\{[0-7]?[0-9a-f]\}$|^[0-9]$/.test(item) || [CLASSES['s'], CLASSES['S'], CLASSES['d']].includes(item))
    return item;
  throw new PatternError('it has a class where case is ignored');
}

const isCode = (item: string): boolean => /^(?:[A-Za-z0-9]|\\u\{\w+\})$/.test(item);

/** \p{name}: a general category, a script or a property, by the names that both engines have. */
function propertyClass(name: string, isInverted: boolean): string {
  const own = PROPERTIES[name.toLowerCase()];
  const title = name.slice(0, 1).toUpperCase() + name.slice(1).toLowerCase();
  const candidates = [own, ...[name, title].flatMap((n) => [`\\p{${n}}`, `\\p{Script=${n}}`])];
  for (const candidate of candidates) {
    if (candidate === undefined || !isValid(candidate)) continue;
    if (!isInverted) return candidate;
    return candidate.startsWith('\\p') ? candidate.replace('p', 'P') : `[^${candidate}]`;
  }
  throw new PatternError(`gpt does not know the property ${name}`);
}

function isValid(source: string): boolean {
  try {
    return new RegExp(source, 'v').source !== '';
  } catch {
    return false;
  }
}
