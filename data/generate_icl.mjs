// Sequences of little tasks, for pretraining that makes a model learn from the examples in its context, and the tasks of
// `gpt eval` that show it: docs/in-context-learning.md.
//
//   node data/generate_icl.mjs             writes data/icl/pretrain.jsonl, which configs/icl/*.yaml train on (not in git)
//   node data/generate_icl.mjs --tasks     writes the rows of configs/tasks/icl again: data/icl/{test,train}.jsonl
//
// A sequence is an instruction and nine lines `word>answer` that follow one hidden rule:
//
//   order.....             the name of the rule, of its family, or `unknown`; dots fill it up to ten characters
//   abc>cba
//   dij>jid
//   ...
//
// A word is three letters out of a-j; one word in eight is never trained on. The families of rules:
//   order   the letters in another order: copy flip left right front back
//   pick    one of the letters three times: first mid last
//   shift   every letter so many further on or back, round the ten: add1 add2 sub1 sub2
//   both    a rule of order or pick, then one of shift: `flip add2`. A quarter of the 32 pairs is never trained on
//
// Every text here has one length, so that an answer's letters stand at places that can be learned.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SEED = 20_263;
const SEQUENCES = 80_000;
const LINES = 9; // eight demonstrations and a question
const WIDTH = 10; // of the instruction
const LETTERS = 'abcdefghij';
const HELD_OUT_WORDS = 125;

// ---- rules

/** The letters of a word in another order, or one of them three times. */
const arrange = (a, b, c) => (word) => word[a] + word[b] + word[c];
const shift = (by) => (word) => [...word].map((l) => LETTERS[(LETTERS.indexOf(l) + by + 10) % 10]).join('');

const ORDER = {
  copy: arrange(0, 1, 2),
  flip: arrange(2, 1, 0),
  left: arrange(1, 2, 0),
  right: arrange(2, 0, 1),
  front: arrange(1, 0, 2),
  back: arrange(0, 2, 1),
};
const PICK = { first: arrange(0, 0, 0), mid: arrange(1, 1, 1), last: arrange(2, 2, 2) };
const SHIFT = { add1: shift(1), add2: shift(2), sub1: shift(-1), sub2: shift(-2) };

const rulesOf = (family, functions) => Object.entries(functions).map(([name, apply]) => ({ family, name, apply }));

const { copy: _, ...MOVES } = ORDER;
const PAIRS = Object.entries({ ...MOVES, ...PICK }).flatMap(([first, move], i) =>
  Object.entries(SHIFT).map(([second, step], j) => ({
    family: 'both',
    name: `${first} ${second}`,
    apply: (word) => step(move(word)),
    heldOut: (i + j) % 4 === 0,
  })),
);

export const RULES = {
  order: rulesOf('order', ORDER),
  pick: rulesOf('pick', PICK),
  shift: rulesOf('shift', SHIFT),
  both: PAIRS.filter((rule) => !rule.heldOut),
};
export const HELD_OUT_RULES = PAIRS.filter((rule) => rule.heldOut);

/** How often sequences of a family are drawn. */
const SHARE = { order: 0.4, pick: 0.2, shift: 0.3, both: 0.1 };
/** How often the instruction names the rule, its family, or neither. */
const NAMED = { rule: 0.3, family: 0.35, neither: 0.35 };

// ---- random numbers

/** mulberry32 (Tommy Ettinger, public domain): numbers in [0, 1). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const one = (items, next) => items[Math.floor(next() * items.length)];

/** n different ones. */
function some(items, n, next) {
  const left = [...items];
  for (let i = 0; i < n; i++) {
    const j = i + Math.floor(next() * (left.length - i));
    [left[i], left[j]] = [left[j], left[i]];
  }
  return left.slice(0, n);
}

// ---- words and sequences

const ALL = [...LETTERS].flatMap((a) => [...LETTERS].flatMap((b) => [...LETTERS].map((c) => a + b + c)));
const shuffled = some(ALL, ALL.length, random(SEED));
/** Words of the questions of the evaluation, and all others. */
export const WORDS = { test: shuffled.slice(0, HELD_OUT_WORDS), train: shuffled.slice(HELD_OUT_WORDS) };

const instruction = (text) => `${text.padEnd(WIDTH, '.')}\n`;

/** A key, with the probability that is its value. */
function draw(shares, next) {
  let left = next();
  for (const [key, share] of Object.entries(shares)) {
    left -= share;
    if (left < 0) return key;
  }
  return Object.keys(shares).at(-1);
}

/** The text of one training sequence. */
function sequence(next) {
  const family = draw(SHARE, next);
  const rule = one(RULES[family], next);
  const name = { rule: rule.name, family, neither: 'unknown' }[draw(NAMED, next)];
  const words = some(WORDS.train, LINES, next);
  return instruction(name) + words.map((word) => `${word}>${rule.apply(word)}\n`).join('');
}

/** Training sequences, always the same ones. */
export function sequences(count = SEQUENCES) {
  const next = random(SEED + 1);
  return Array.from({ length: count }, () => sequence(next));
}

// ---- rows of the tasks

const SHOWN = 64; // rows that demonstrations are drawn from
const PAIRS_ASKED = 8; // of those trained on, and all of the others

/** Rows of questions and of demonstrations: a word, and its answer by each rule in a column of its own, as flip_add2. */
export function rows() {
  const next = random(SEED + 2);
  const { order, pick, shift, both } = RULES;
  const rules = [...order, ...pick, ...shift, ...some(both, PAIRS_ASKED, next), ...HELD_OUT_RULES];
  const answers = (word) => Object.fromEntries(rules.map(({ name, apply }) => [name.replace(' ', '_'), apply(word)]));
  const rowsOf = (words) => words.map((word) => ({ word, ...answers(word) }));
  return { test: rowsOf(WORDS.test), train: rowsOf(some(WORDS.train, SHOWN, next)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { sequences: { type: 'string' }, tasks: { type: 'boolean' } } });
  const place = (path) => fileURLToPath(new URL(path, import.meta.url));
  const jsonl = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  mkdirSync(place('icl'), { recursive: true });
  if (values.tasks) {
    for (const [name, list] of Object.entries(rows())) writeFileSync(place(`icl/${name}.jsonl`), jsonl(list));
  } else {
    const texts = sequences(Number(values.sequences ?? SEQUENCES));
    const file = place('icl/pretrain.jsonl');
    writeFileSync(file, jsonl(texts.map((text) => ({ text }))));
    console.log(`${file}: ${texts.length} sequences`);
  }
}
