// From valid files to damaged ones. A case is a function of (seed, number) alone: no time, no state.
//
//   bytes   flipped bits, set bytes, integers of 1 to 8 bytes set to what breaks arithmetic, blocks cut off, dropped,
//           doubled, moved, or taken from another file
//   text    a number, word, string or bracket replaced, dropped or doubled; lines doubled; line ends, byte order marks,
//           NUL and invalid UTF-8; deep nesting
//
// One to four of them are applied to one file. Texts are handled as latin1, so that every byte survives.

import { Random, Stream } from '../../src/base/rng.js';
import type { Target } from './target.js';

/** The files and words that cases are made of. */
export interface Corpus {
  readonly seeds: readonly Buffer[];
  readonly hostile: readonly Buffer[];
  readonly words: readonly string[]; // latin1
}

/** n opened and closed brackets. */
export const nested = (open: string, inside: string, close: string, n: number): string =>
  open.repeat(n) + inside + close.repeat(n);

/** Bytes of hand-written files that are tried only once, as they are: thousands of variants would take hours. */
const LARGE = 4096;

/** Deeper than any recursive parser's stack. */
export const DEEP = 100_000;

const INTEGERS = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 60n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

const NUMBERS =
  '0 -0 -1 1 2 0.5 1e5 1e308 1e999 -1e999 1e-999 16777216 16777217 4294967296 2147483647 2147483648 -2147483648 ' +
  '9007199254740991 9007199254740992 9007199254740993 1152921504606846976 18446744073709551615 1000000000 ' +
  '99999999999999999999999999999999999999 0x7fffffff 0o17 1_000 NaN Infinity -Infinity .inf -.nan';
const STRINGS = [
  '""',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\ufeff"',
  '"👍"',
  '"\\x"',
  `"${'a'.repeat(5000)}"`,
];
const VALUES = ['null', 'true', 'false', '{}', '[]', '[[]]', '[null]', '{"":0}', '{"__proto__":{"x":1}}', '[1,-1,1e3]'];
const PUNCTUATION = ['{', '}', '[', ']', ',', ':', '"', '\\', '\n', '\r\n', '\r', '\t', ' ', '\0', '\u0085', '\u2028'];

const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** What texts are made worse with; `more` is the target's own. */
export const wordsOf = (more: readonly string[] = []): string[] =>
  [...NUMBERS.split(' '), ...STRINGS, ...VALUES, ...PUNCTUATION, ...more].map(latin1);

/** The file of a case: the hostile ones first, then mutations of all. */
export function caseOf(target: Target, corpus: Corpus, seed: number, index: number): Buffer {
  const written = corpus.hostile[index];
  if (written) return written;
  const random = new Random(seed, Stream.test, index);
  const any = random.below(8) === 0 && corpus.hostile.length > 0 ? pick(random, corpus.hostile) : undefined;
  const file = any !== undefined && any.length <= LARGE ? any : pick(random, corpus.seeds);
  const inner = random.below(2) === 0 ? target.inner?.(file) : undefined;
  const text = inner?.text ?? target.text;
  let body = inner?.body ?? file;
  for (let n = pick(random, [1, 1, 2, 4]); n > 0; n--) {
    const mutations = text && random.below(3) > 0 ? TEXT : BYTES;
    body = pick(random, mutations)(random, body, corpus);
  }
  return inner ? inner.wrap(body) : body;
}

const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)]!;

type Mutation = (random: Random, body: Buffer, corpus: Corpus) => Buffer;

/** A position; headers are at the start, so half of the time near it. */
function position(random: Random, length: number): number {
  if (length === 0) return 0;
  return random.below(random.below(2) === 0 ? Math.min(length, 64) : length);
}

function block(random: Random, length: number): [from: number, to: number] {
  const from = position(random, length);
  const size = 1 + random.below(random.below(4) === 0 ? Math.max(1, length) : 16);
  return [from, Math.min(length, from + size)];
}

const replaced = (body: Buffer, from: number, to: number, by: Uint8Array): Buffer =>
  Buffer.concat([body.subarray(0, from), by, body.subarray(to)]);

const BYTES: readonly Mutation[] = [
  function flipBit(random, body) {
    const copy = Buffer.from(body);
    if (copy.length > 0) copy[position(random, copy.length)]! ^= 1 << random.below(8);
    return copy;
  },
  function setByte(random, body) {
    const copy = Buffer.from(body);
    if (copy.length > 0) copy[position(random, copy.length)] = random.below(256);
    return copy;
  },
  function setInteger(random, body) {
    const width = 2 ** random.below(4);
    const bytes = Buffer.alloc(8);
    const near = BigInt(random.below(3)) - 1n;
    bytes.writeBigUInt64LE(BigInt.asUintN(64, pick(random, INTEGERS) + near));
    const at = Math.floor(position(random, body.length) / width) * width;
    if (at + width > body.length) return body;
    return replaced(body, at, at + width, bytes.subarray(0, width));
  },
  function truncate(random, body) {
    return body.subarray(0, random.below(body.length + 1));
  },
  function drop(random, body) {
    return replaced(body, ...block(random, body.length), Buffer.alloc(0));
  },
  function double(random, body) {
    const [from, to] = block(random, body.length);
    return replaced(body, to, to, body.subarray(from, to));
  },
  function move(random, body) {
    const [from, to] = block(random, body.length);
    const rest = replaced(body, from, to, Buffer.alloc(0));
    const at = position(random, rest.length);
    return replaced(rest, at, at, body.subarray(from, to));
  },
  function splice(random, body, { seeds }) {
    const other = pick(random, seeds);
    const at = position(random, body.length);
    return replaced(body, at, random.below(2) === 0 ? body.length : at, other.subarray(...block(random, other.length)));
  },
  function append(random, body) {
    return Buffer.concat([body, Buffer.alloc(1 + random.below(16), random.below(256))]);
  },
];

const TOKEN = /"(?:[^"\\]|\\.)*"|[\w.+-]+|[^\s\w]/g;

/** The first token at or behind a random position. */
function token(random: Random, text: string): [from: number, to: number] {
  TOKEN.lastIndex = random.below(text.length + 1);
  const match = TOKEN.exec(text);
  return match ? [match.index, match.index + match[0].length] : [text.length, text.length];
}

/** A change of the text; undefined: of nothing. */
const ofText =
  (change: (random: Random, text: string, corpus: Corpus) => string): Mutation =>
  (random, body, corpus) =>
    Buffer.from(change(random, body.toString('latin1'), corpus), 'latin1');

const replaceToken = ofText((random, text, { words }) => {
  const [from, to] = token(random, text);
  return text.slice(0, from) + pick(random, words) + text.slice(to);
});

const TEXT: readonly Mutation[] = [
  replaceToken,
  replaceToken,
  replaceToken,
  ofText(function insertWord(random, text, { words }) {
    const [from] = token(random, text);
    return text.slice(0, from) + pick(random, words) + text.slice(from);
  }),
  ofText(function dropToken(random, text) {
    const [from, to] = token(random, text);
    return text.slice(0, from) + text.slice(to);
  }),
  ofText(function doubleToken(random, text) {
    const [from, to] = token(random, text);
    return text.slice(0, to) + text.slice(from);
  }),
  ofText(function doubleLine(random, text) {
    const from = text.lastIndexOf('\n', random.below(text.length + 1)) + 1;
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end + 1;
    return text.slice(0, to) + text.slice(from);
  }),
  ofText(function tokenOfAnother(random, text, { seeds }) {
    const other = pick(random, seeds).toString('latin1');
    const [from, to] = token(random, text);
    return text.slice(0, from) + other.slice(...token(random, other)) + text.slice(to);
  }),
  ofText(function dropBetweenTokens(random, text) {
    const [from] = token(random, text);
    const [, to] = token(random, text);
    return text.slice(0, Math.min(from, to)) + text.slice(Math.max(from, to));
  }),
  ofText(function odd(random, text) {
    const at = random.below(text.length + 1);
    switch (random.below(8)) {
      case 0:
        return `\xef\xbb\xbf${text}`;
      case 1:
        return text.replaceAll('\n', '\r\n');
      case 2:
        return text.replaceAll('\n', '\r');
      case 3: // bytes that are no UTF-8
        return text.slice(0, at) + pick(random, ['\xff', '\xc0\x80', '\xed\xa0\x80', '\xf4\x90']) + text.slice(at);
      case 4: // UTF-16
        return Buffer.from(`\ufeff${text}`, 'utf16le').toString('latin1');
      case 5:
        return text.slice(0, at).trimEnd();
      case 6:
        return text.toUpperCase();
      default: {
        const [open, close] = pick(random, [
          ['[', ']'],
          ['{"a":', '}'],
          ['[', ''],
        ] as const);
        const depth = random.below(64) === 0 ? DEEP : 1 + random.below(100);
        const [from, to] = token(random, text);
        return text.slice(0, from) + nested(open, '0', close, depth) + text.slice(to);
      }
    }
  }),
];
