// The sequences of configs/icl and the tasks that show what they taught: what is held out is never trained on, prompts
// look like training sequences, and the bundled rows are those of the generator.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BUILT_IN, openTask } from '../../src/commands/open_tasks.js';
import { Catalogue, tasksOf } from '../../src/eval/harness/catalogue.js';

interface Rule {
  readonly family: string;
  readonly name: string;
  apply(word: string): string;
}
type Row = Readonly<Record<string, string>>;

// A path in a variable: the generator is plain JavaScript without types.
const generator = new URL('../../data/generate_icl.mjs', import.meta.url).href;
const { sequences, rows, RULES, HELD_OUT_RULES, WORDS } = (await import(generator)) as {
  sequences(count?: number): string[];
  rows(): Record<'test' | 'train', Row[]>;
  RULES: Record<string, Rule[]>;
  HELD_OUT_RULES: Rule[];
  WORDS: { test: string[]; train: string[] };
};

const SEQUENCE = /^([a-z0-9 ]+\.*)\n(?:[a-j]{3}>[a-j]{3}\n){9}$/;
const some = sequences(3000);
const linesOf = (text: string) => text.trimEnd().split('\n').slice(1).map((line) => line.split('>') as [string, string]); // biome-ignore format: one expression

describe('training sequences', () => {
  test('are an instruction and nine different words with their answers, of one length', () => {
    for (const text of some) expect(text).toMatch(SEQUENCE);
    expect(new Set(some.map((text) => text.length))).toEqual(new Set([83]));
    expect(some.every((text) => new Set(linesOf(text).map(([word]) => word)).size === 9)).toBe(true);
    expect(sequences(100)).toEqual(some.slice(0, 100));
  });

  test('no word and no pair of rules that is held out', () => {
    const held = new Set(WORDS.test);
    expect([held.size, WORDS.train.length, new Set([...WORDS.test, ...WORDS.train]).size]).toEqual([125, 875, 1000]);
    expect(some.flatMap(linesOf).filter(([word]) => held.has(word))).toEqual([]);
    expect([RULES['both']!.length, HELD_OUT_RULES.length]).toEqual([24, 8]);
    const names = new Set(HELD_OUT_RULES.map(({ name }) => name));
    expect(some.filter((text) => names.has(text.split('\n')[0]!.replace(/\.+$/, '')))).toEqual([]);
    // told by any name, nine lines of a held-out pair would show: no rule that is trained on gives the same
    const explained = (lines: [string, string][], rules: readonly Rule[]) =>
      rules.some((rule) => lines.every(([word, answer]) => rule.apply(word) === answer));
    const known = Object.values(RULES).flat();
    const lines = some.map(linesOf);
    expect(lines.filter((l) => !explained(l, known))).toEqual([]);
    expect(
      explained(linesOf(`x\nabc>${HELD_OUT_RULES[0]!.apply('abc')}\nfej>${HELD_OUT_RULES[0]!.apply('fej')}`), known),
    ).toBe(false);
  });

  test('both halves of a held-out pair are trained on, in other pairs', () => {
    const halves = new Set(RULES['both']!.flatMap(({ name }) => name.split(' ')));
    expect(HELD_OUT_RULES.flatMap(({ name }) => name.split(' ')).filter((half) => !halves.has(half))).toEqual([]);
  });

  test('a sequence follows the rule that it names', () => {
    const known = new Map(Object.values(RULES).flatMap((rules) => rules.map((rule) => [rule.name, rule])));
    let named = 0;
    for (const text of some) {
      const rule = known.get(text.split('\n')[0]!.replace(/\.+$/, ''));
      if (rule === undefined) continue;
      named++;
      expect(linesOf(text).filter(([word, answer]) => rule.apply(word) !== answer)).toEqual([]);
    }
    expect(named).toBeGreaterThan(300);
  });
});

describe('bundled tasks', () => {
  const { test: questions, train: shown } = rows();
  const rules = new Map([...Object.values(RULES).flat(), ...HELD_OUT_RULES].map((r) => [r.name.replace(' ', '_'), r]));

  test('rows are what the generator writes', () => {
    for (const [name, list] of Object.entries({ test: questions, train: shown })) {
      const file = new URL(`../../data/icl/${name}.jsonl`, import.meta.url);
      expect(readFileSync(file, 'utf8')).toBe(list.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
  });

  test('questions are of words never trained on, demonstrations of others', () => {
    expect(questions.map(({ word }) => word)).toEqual(WORDS.test);
    const trained = new Set(WORDS.train);
    expect(shown.filter(({ word }) => !trained.has(word!))).toEqual([]);
  });

  test('answers are those of the rule', () => {
    for (const { word, ...answers } of [...questions, ...shown]) {
      expect(Object.entries(answers).filter(([rule, answer]) => rules.get(rule)!.apply(word!) !== answer)).toEqual([]);
    }
  });

  const catalogue = new Catalogue([BUILT_IN]);
  const rulesOf = (group: string) => catalogue.load([group]).flatMap(tasksOf).map(({ config }) => rules.get(String(config.doc_to_target))!); // biome-ignore format: one expression

  test('groups ask for the rules of a family; of pairs, eight that were trained on and all others', () => {
    for (const family of ['order', 'pick', 'shift']) expect(rulesOf(`icl_${family}`)).toEqual(RULES[family]);
    expect(rulesOf('icl_both').filter((rule) => RULES['both']!.includes(rule))).toHaveLength(8);
    expect(rulesOf('icl_unseen')).toEqual(HELD_OUT_RULES);
    expect(rulesOf('icl_unseen_named')).toEqual(HELD_OUT_RULES);
    expect(rulesOf('icl')).toEqual(['icl_order', 'icl_pick', 'icl_shift', 'icl_both'].flatMap(rulesOf));
  });

  test('with eight demonstrations a prompt and its answer are a training sequence', async () => {
    const told: Record<string, Set<string>> = {};
    for (const group of ['icl', 'icl_unseen', 'icl_unseen_named']) {
      for (const loaded of catalogue.load([group]).flatMap(tasksOf)) {
        const { task } = await openTask(loaded, []);
        const rule = rules.get(String(loaded.config.doc_to_target))!;
        for (const { requests } of await task.requests(8)) {
          const [request] = requests;
          if (request?.kind !== 'loglikelihood') throw new Error(request?.kind);
          const text = `${request.context}${request.continuation}\n`;
          expect(text).toMatch(SEQUENCE);
          expect(linesOf(text).filter(([word, answer]) => rule.apply(word) !== answer)).toEqual([]);
          const name = text.split('\n')[0]!.replace(/\.+$/, '');
          const kind = name === rule.name ? 'rule' : name === rule.family ? 'family' : name;
          told[group] = (told[group] ?? new Set()).add(kind);
        }
      }
    }
    expect(told).toEqual({
      icl: new Set(['family']),
      icl_unseen: new Set(['family']),
      icl_unseen_named: new Set(['rule']),
    });
  });
});
