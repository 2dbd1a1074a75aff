// Writes data/eval/: the data of the built-in tasks of `gpt eval` (configs/tasks), the same bytes every time.
//
//   node data/generate_eval.mjs
//
//   tfgpt/stories              perplexity      stories of the bundled generator that are not in data/stories        text
//   tfgpt/cloze                last word       five sentences of one, up to a word that was said before        text
//   tfgpt/arithmetic/2da ...   ten tasks of GPT-3's section 3.9.1: "What is 48 plus 76?"                 question, answer
//   tfgpt/unscramble/...       five tasks of its section 3.9.2, on words of the bundled stories          scrambled, word
//
// Every set has rows to show (train) and others to ask (test); none is in both. Entailment, feelings and endings are
// read from data/tasks as they are.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Draw, generateStories } from './generate_stories.mjs';

const SEED = 20_263;
const BUNDLED = 2_000; // stories in data/stories
const FRESH = 620;
const TEXTS = 80; //      of them for perplexity
const ROWS = { train: 100, test: 100 };
const CLOZE = { train: 60, test: 150 };

// ---- arithmetic

const OPERATIONS = {
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  times: (a, b) => a * b,
};
const SIGNS = { '+': OPERATIONS.plus, '-': OPERATIONS.minus, '*': OPERATIONS.times };

/** A whole number below 10 ** digits. */
const number = (r, digits) =>
  Array.from({ length: digits }, () => r.one([...'0123456789'])).reduce((n, d) => 10 * n + +d, 0);

const twoNumbers = (digits, word) => (r) => {
  const [a, b] = [number(r, digits), number(r, digits)];
  return { question: `What is ${a} ${word} ${b}?`, answer: String(OPERATIONS[word](a, b)) };
};

/** 6+(4*8): the second operation comes first. */
function threeDigits(r) {
  const [a, b, c] = [number(r, 1), number(r, 1), number(r, 1)];
  const [first, second] = [r.one(Object.keys(SIGNS)), r.one(Object.keys(SIGNS))];
  return {
    question: `What is ${a}${first}(${b}${second}${c})?`,
    answer: String(SIGNS[first](a, SIGNS[second](b, c))),
  };
}

const ARITHMETIC = {
  '1dc': threeDigits,
  '2da': twoNumbers(2, 'plus'),
  '2ds': twoNumbers(2, 'minus'),
  '2dm': twoNumbers(2, 'times'),
  '3da': twoNumbers(3, 'plus'),
  '3ds': twoNumbers(3, 'minus'),
  '4da': twoNumbers(4, 'plus'),
  '4ds': twoNumbers(4, 'minus'),
  '5da': twoNumbers(5, 'plus'),
  '5ds': twoNumbers(5, 'minus'),
};

// ---- unscrambling words

const shuffled = (r, letters) => r.some(letters, letters.length);

/** All but so many letters at either end in another order. */
const anagram = (ends) => (r, word) =>
  word.slice(0, ends) + shuffled(r, [...word.slice(ends, -ends)]).join('') + word.slice(-ends);

function cycled(r, word) {
  const by = 1 + Math.floor((r.one([...Array(1000).keys()]) / 1000) * (word.length - 1));
  return word.slice(by) + word.slice(0, by);
}

const UNSCRAMBLE = {
  cycle_letters: cycled,
  anagrams1: anagram(1),
  anagrams2: anagram(2),
  random_insertion: (r, word) => [...word].map((letter, i) => (i === 0 ? '' : r.one([...' .!/'])) + letter).join(''),
  reversed_words: (_, word) => [...word].reverse().join(''),
};

/** Words of the stories of more than four letters, as GPT-3's; none whose letters make another one too. */
function vocabulary(stories) {
  const words = new Set(stories.flatMap((text) => text.match(/(?<![\w'])[a-z]{5,14}(?![\w'])/g)));
  const lettersOf = (word) => [...word].sort().join('');
  const makers = new Map();
  for (const word of words) makers.set(lettersOf(word), (makers.get(lettersOf(word)) ?? 0) + 1);
  return [...words].filter((word) => makers.get(lettersOf(word)) === 1).sort();
}

function unscramble(scramble, words, r) {
  const rows = [];
  for (const word of shuffled(r, words)) {
    const scrambled = scramble(r, word);
    if (scrambled !== word) rows.push({ scrambled, word });
    if (rows.length === ROWS.train + ROWS.test) return rows;
  }
  throw new Error('there are too few words');
}

// ---- cloze

const WINDOW = 5; // sentences

/** Sentences up to a word that ends one of them and has been said before; undefined: the story has none. */
function passage(story) {
  const whole = story.replace(/\s+/g, ' ').match(/[^.!?]+[.!?]+"? ?/g);
  for (let end = whole.length; end >= WINDOW; end--) {
    const text = whole.slice(end - WINDOW, end).join('');
    const [, before, word] = /^(.* )([a-z]{4,})\. ?$/.exec(text) ?? [];
    if (word === undefined || word === 'said' || text.split(' ').length < 20) continue;
    if (!/^"?[A-Z]/.test(text) || text.split('"').length % 2 === 0) continue; // begins or ends inside a quotation
    if (new RegExp(`\\b${word}\\b`).test(before)) return before + word;
  }
  return undefined;
}

// ---- files

const jsonl = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** Rows that all differ. */
function distinct(count, draw) {
  const found = new Map();
  while (found.size < count) {
    const row = draw();
    found.set(JSON.stringify(row), row);
  }
  return [...found.values()];
}

/** 'tfgpt/arithmetic/2da/train.jsonl' -> its text, for all files, always the same ones. */
export function generateEval() {
  const files = new Map();
  const put = (name, rows, { train, test }) => {
    files.set(`tfgpt/${name}/train.jsonl`, jsonl(rows.slice(0, train)));
    files.set(`tfgpt/${name}/test.jsonl`, jsonl(rows.slice(train, train + test)));
  };
  const stories = generateStories(BUNDLED + FRESH);
  const fresh = stories.slice(BUNDLED);
  files.set('tfgpt/stories/default/test.jsonl', jsonl(fresh.slice(0, TEXTS).map((text) => ({ text }))));
  const cloze = fresh.slice(TEXTS).flatMap((text) => passage(text) ?? []);
  if (cloze.length < CLOZE.train + CLOZE.test) throw new Error(`only ${cloze.length} passages`);
  put(
    'cloze/default',
    cloze.map((text) => ({ text })),
    CLOZE,
  );
  let seed = SEED;
  for (const [name, draw] of Object.entries(ARITHMETIC)) {
    const r = new Draw(seed++);
    put(
      `arithmetic/${name}`,
      distinct(ROWS.train + ROWS.test, () => draw(r)),
      ROWS,
    );
  }
  const words = vocabulary(stories.slice(0, BUNDLED));
  for (const [name, scramble] of Object.entries(UNSCRAMBLE)) {
    put(`unscramble/${name}`, unscramble(scramble, words, new Draw(seed++)), ROWS);
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of generateEval()) {
    const target = fileURLToPath(new URL(`eval/${name}`, import.meta.url));
    mkdirSync(fileURLToPath(new URL('.', `file://${target}`)), { recursive: true });
    writeFileSync(target, text);
    console.log(`${target}: ${text.length} bytes`);
  }
}
