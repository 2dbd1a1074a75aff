// The sequences of configs/icl and the tasks that show what they taught: what is held out is never trained on, prompts
// look like training sequences, and the bundled files are those of the generator.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Rule {
  readonly family: string;
  readonly name: string;
  apply(word: string): string;
}
type Row = Readonly<Record<string, string>>;

// A path in a variable: the generator is plain JavaScript without types.
const generator = new URL('../../data/generate_icl.mjs', import.meta.url).href;
const { sequences, tasks, RULES, HELD_OUT_RULES, WORDS } = (await import(generator)) as {
  sequences(count?: number): string[];
  tasks(): { files: Record<string, string>; rows: Record<'test' | 'train' | 'shuffled', Row[]> };
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
  const { files, rows } = tasks();
  const folder = new URL('../../configs/tasks/icl/', import.meta.url);
  const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

  test('all files are what the generator writes', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(files).sort());
    for (const [name, text] of Object.entries(files)) expect(read(name)).toBe(text);
    for (const [name, list] of Object.entries(rows)) {
      const file = new URL(`../../data/icl/${name}.jsonl`, import.meta.url);
      expect(readFileSync(file, 'utf8')).toBe(list.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
  });

  test('questions are of words never trained on, demonstrations of others', () => {
    expect(rows.test.map(({ word }) => word)).toEqual(WORDS.test);
    const trained = new Set(WORDS.train);
    expect([...rows.train, ...rows.shuffled].filter(({ word }) => !trained.has(word!))).toEqual([]);
  });

  test('answers are those of the rule; in the control, of another word', () => {
    const columns = Object.keys(rows.test[0]!).filter((name) => name !== 'word');
    const rules = new Map(
      [...Object.values(RULES).flat(), ...HELD_OUT_RULES].map((r) => [r.name.replace(' ', '_'), r]),
    );
    for (const column of columns) {
      const all = [...rows.test, ...rows.train].map((row): [string, string] => [row['word']!, row[column]!]);
      const rule = rules.get(column)!;
      expect(all.filter(([word, answer]) => rule.apply(word) !== answer)).toEqual([]);
    }
    for (const [i, row] of rows.shuffled.entries()) {
      expect(row['word']).toBe(rows.train[(i + 1) % rows.train.length]!['word']);
      for (const column of columns) expect(row[column]).toBe(rows.train[i]![column]);
    }
  });

  test('with eight demonstrations a prompt and its answer are a training sequence', () => {
    const common = parse(read('_icl_yaml')) as Record<string, string>;
    const fill = (template: string, row: Row) =>
      template.replace(/\{\{(\w+)\}\}/g, (_, column: string) => row[column]!);
    const leaves = Object.keys(files).filter((name) => files[name]!.startsWith('include: _icl_yaml'));
    expect(leaves.length).toBe(21 + 8 + 8 + 21 + 8);
    for (const name of leaves) {
      const task = { ...common, ...(parse(files[name]!) as Record<string, string>) } as Record<string, string>;
      const line = (row: Row) => fill(task['doc_to_text']!, row) + task['target_delimiter'] + fill(task['doc_to_target']!, row); // biome-ignore format: one line
      const shots = rows.train.slice(0, 8).map((row) => line(row) + task['fewshot_delimiter']);
      expect(`${task['description']}${shots.join('')}${line(rows.test[0]!)}\n`).toMatch(SEQUENCE);
    }
  });

  test('groups name tasks and groups that there are', () => {
    const groups = Object.values(files).map((text) => parse(text) as { group?: string; task: string[] | string });
    const members = groups.flatMap(({ group, task }) => (group === undefined ? [] : task));
    expect(members.length).toBe(66 + 8);
    expect(members.filter((name) => !(`${name}.yaml` in files))).toEqual([]);
  });
});
