// Regular expressions as Python's re reads them, for filters and templates of task files.
//
// The pattern is rewritten for JavaScript's `u` flag: classes and \b know all of Unicode, $ also stands before a last line
// feed, . stops at \n only, (?P<name>...) and (?P=name) are named groups, and punctuation may be escaped or stand bare.
// Not supported, a SyntaxError: scoped flags (?i:...), conditions (?(1)...), possessive and atomic groups.

import { SPACE_CLASS } from './python_text.js';

const WORD_CLASS = '\\p{L}\\p{N}_';
const CLASSES: Readonly<Record<string, string>> = { s: SPACE_CLASS, d: '\\p{Nd}', w: WORD_CLASS };
const BOUNDARY = `(?:(?<=[${WORD_CLASS}])(?![${WORD_CLASS}])|(?<![${WORD_CLASS}])(?=[${WORD_CLASS}]))`;
const NO_BOUNDARY = `(?:(?<=[${WORD_CLASS}])(?=[${WORD_CLASS}])|(?<![${WORD_CLASS}])(?![${WORD_CLASS}]))`;
const END = '(?![\\s\\S])';

/** A global RegExp that finds what re.compile(pattern) finds. `flags`: of i, m, s. Throws SyntaxError. */
export function pythonRegExp(pattern: string, flags = ''): RegExp {
  const inline = /^\(\?([aiLmsux]+)\)/.exec(pattern);
  const all = new Set(flags + (inline?.[1] ?? ''));
  if (all.has('x') || all.has('a')) throw new SyntaxError(`flags (?x) and (?a) are not supported: ${pattern}`);
  const source = translated(pattern.slice(inline?.[0].length ?? 0), all.has('m'), all.has('s'));
  return new RegExp(source, all.has('i') ? 'giu' : 'gu');
}

/** re.sub(pattern, replacement, text, count), with \1, \g<1> and \g<name> in the replacement. */
export function pythonSub(pattern: string, replacement: string, text: string, count = 0): string {
  let left = count > 0 ? count : Infinity;
  return text.replace(pythonRegExp(pattern), (match, ...rest: unknown[]) => {
    if (left-- <= 0) return match;
    const named = typeof rest.at(-1) === 'object' ? (rest.at(-1) as Record<string, string | undefined>) : {};
    const groups = [
      match,
      ...rest.slice(
        0,
        rest.findIndex((part) => typeof part === 'number'),
      ),
    ] as (string | undefined)[];
    return replacement.replace(/\\(?:g<(\w+)>|(\d{1,2})|([\s\S]))/g, (_, name, number, char) => {
      if (char !== undefined) return { n: '\n', t: '\t', r: '\r', '\\': '\\' }[char as string] ?? `\\${char}`;
      const key: string = name ?? number;
      return (/^\d+$/.test(key) ? groups[Number(key)] : named[key]) ?? '';
    });
  });
}

function translated(pattern: string, multiline: boolean, dotAll: boolean): string {
  let out = '';
  for (let i = 0; i < pattern.length; ) {
    const rest = pattern.slice(i);
    const [token, js] = next(rest, multiline, dotAll);
    out += js;
    i += token;
  }
  return out;
}

/** How many characters the next piece of a pattern has, and what it is in JavaScript. */
function next(rest: string, multiline: boolean, dotAll: boolean): [number, string] {
  const char = rest[0]!;
  if (char === '\\') return escaped(rest);
  if (char === '[') return set(rest);
  if (char === '.') return [1, dotAll ? '[\\s\\S]' : '[^\\n]'];
  if (char === '^') return [1, multiline ? '(?<![^\\n])' : '^'];
  if (char === '$') return [1, multiline ? `(?=\\n|${END})` : `(?=\\n?${END})`];
  if (char === '{') {
    const times = /^\{(\d*)(,?)(\d*)\}/.exec(rest);
    if (!times || times[0] === '{}') return [1, '\\{'];
    return [times[0].length, times[0] === '{,}' ? '*' : `{${times[1] || 0}${times[2]}${times[3]}}`];
  }
  if (char === '}' || char === ']') return [1, `\\${char}`];
  const group = /^\(\?(?:P<(\w+)>|P=(\w+)\))/.exec(rest);
  if (group?.[1] !== undefined) return [group[0].length, `(?<${group[1]}>`];
  if (group?.[2] !== undefined) return [group[0].length, `\\k<${group[2]}>`];
  if (rest.startsWith('(?#')) return [rest.indexOf(')') + 1, ''];
  if (/^\(\?(?![:=!<])/.test(rest)) throw new SyntaxError(`${rest.slice(0, 4)}... is not supported in ${rest}`);
  return [1, char];
}

/** A backslash outside a set. */
function escaped(rest: string): [number, string] {
  const char = rest[1];
  if (char === undefined) throw new SyntaxError('bad escape (end of pattern)');
  const inside = CLASSES[char.toLowerCase()];
  if (inside !== undefined) return [2, char === char.toLowerCase() ? `[${inside}]` : `[^${inside}]`];
  const anchors: Readonly<Record<string, string>> = { A: '(?<![\\s\\S])', Z: END, b: BOUNDARY, B: NO_BOUNDARY };
  if (char in anchors) return [2, anchors[char]!];
  if (/[1-9]/.test(char)) {
    const reference = /^\\\d{1,2}/.exec(rest)![0];
    return [reference.length, `(?:${reference})`];
  }
  return characterEscape(rest);
}

/** An escape that stands for one character, in a set or outside. */
function characterEscape(rest: string): [number, string] {
  const hex = /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/.exec(rest);
  if (hex) return [hex[0].length, `\\u{${hex[1] ?? hex[2] ?? hex[3]!.replace(/^0+(?=.)/, '')}}`];
  const char = rest[1]!;
  if (char === 'a') return [2, '\\x07'];
  if (char === '0') return [2, '\\x00'];
  if (/[ntrfv]/.test(char)) return [2, `\\${char}`];
  if (/[a-zA-Z\d]/.test(char)) throw new SyntaxError(`bad escape \\${char}`);
  return [2, /[\^$\\.*+?()[\]{}|/-]/.test(char) ? literal(char) : char];
}

const literal = (char: string): string => (char === '-' ? '\\x2d' : `\\${char}`);

/** [...]: a ] that comes first is a character like any other. */
function set(rest: string): [number, string] {
  let out = rest.startsWith('[^') ? '[^' : '[';
  const first = out.length;
  for (let i = first; ; ) {
    const char = rest[i];
    if (char === undefined) throw new SyntaxError(`unterminated character set in ${rest}`);
    if (char === ']' && i > first) return [i + 1, `${out}]`];
    if (char !== '\\') {
      out += /[[\]^{}()|/]/.test(char) ? `\\${char}` : char;
      i++;
      continue;
    }
    const name = rest[i + 1] ?? '';
    const inside = CLASSES[name.toLowerCase()];
    if (inside !== undefined && name !== name.toLowerCase()) {
      if (name !== 'S') out += name === 'D' ? '\\P{Nd}' : throwing(`\\${name} in a set`);
      else out += NOT_SPACE;
      i += 2;
    } else if (inside !== undefined) {
      out += inside;
      i += 2;
    } else if (name === 'b') {
      out += '\\x08';
      i += 2;
    } else {
      const [length, js] = characterEscape(rest.slice(i));
      out += js;
      i += length;
    }
  }
}

// everything between the ranges of SPACE_CLASS
const NOT_SPACE =
  '\\0-\\x08\\x0e-\\x1b\\x21-\\x84\\x86-\\x9f\\xa1-\\u167f\\u1681-\\u1fff\\u200b-\\u2027\\u202a-\\u202e\\u2030-\\u205e' +
  '\\u2060-\\u2fff\\u3001-\\u{10ffff}';

function throwing(what: string): never {
  throw new SyntaxError(`${what} is not supported`);
}
