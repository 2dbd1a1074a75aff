// The bundled evaluation data (data/eval) and the built-in task files (configs/tasks/*.yaml) that read it.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Doc, evalRows } from '../../src/data/eval_sets.js';

// A path in a variable: the generators are plain JavaScript without types.
const generator = new URL('../../data/generate_eval.mjs', import.meta.url).href;
const { generateEval } = (await import(generator)) as { generateEval(): Map<string, string> };
const DATA = new URL('../../data/', import.meta.url).pathname;
const TASKS = new URL('../../configs/tasks/', import.meta.url).pathname;

const files = generateEval();
const rowsOf = (name: string): Record<string, string>[] =>
  files
    .get(`tfgpt/${name}`)!
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
const both = (name: string) => [...rowsOf(`${name}/train.jsonl`), ...rowsOf(`${name}/test.jsonl`)];
const namesIn = (folder: string) => readdirSync(join(DATA, 'eval/tfgpt', folder));

describe('the bundled data', () => {
  test('the files are what the generator writes, byte for byte, and nothing else', () => {
    const there = readdirSync(join(DATA, 'eval'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.jsonl'),
    );
    expect(there.sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files) expect(readFileSync(join(DATA, 'eval', name), 'utf8') === text, name).toBe(true);
  });

  test('400 kB at most; no row twice in a set, train and test together', () => {
    const sizes = [...files.keys()].map((name) => statSync(join(DATA, 'eval', name)).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(400_000);
    for (const name of [
      'cloze/default',
      ...namesIn('arithmetic').map((n) => `arithmetic/${n}`),
      ...namesIn('unscramble').map((n) => `unscramble/${n}`),
    ]) {
      const rows = both(name).map((row) => JSON.stringify(row));
      expect(new Set(rows).size, name).toBe(rows.length);
    }
  });

  test('arithmetic: the answers are right, and the operands have their digits', () => {
    expect(namesIn('arithmetic').sort()).toEqual([
      '1dc',
      '2da',
      '2dm',
      '2ds',
      '3da',
      '3ds',
      '4da',
      '4ds',
      '5da',
      '5ds',
    ]);
    const sign: Record<string, string> = { plus: '+', minus: '-', times: '*' };
    for (const name of namesIn('arithmetic')) {
      for (const { question, answer } of both(`arithmetic/${name}`)) {
        const asked = /^What is (.*)\?$/.exec(question!)![1]!.replace(/plus|minus|times/, (word) => sign[word]!);
        expect(asked).toMatch(name === '1dc' ? /^\d[-+*]\(\d[-+*]\d\)$/ : /^\d+ [-+*] \d+$/);
        expect(Math.max(...asked.match(/\d+/g)!.map((n) => n.length))).toBeLessThanOrEqual(Number(name[0]));
        expect(answer).toBe(String(new Function(`return ${asked}`)()));
      }
    }
    const carries = both('arithmetic/2ds').filter(({ answer }) => answer!.startsWith('-')).length;
    expect(carries).toBeGreaterThan(70); // of 200: half of all differences are negative
    expect(carries).toBeLessThan(130);
  });

  test('unscrambling: the letters are those of the word, and where they must stand they do', () => {
    const sorted = (text: string) => [...text].sort().join('');
    const checks: Record<string, (scrambled: string, word: string) => boolean> = {
      cycle_letters: (scrambled, word) => (word + word).includes(scrambled),
      anagrams1: (scrambled, word) => scrambled[0] === word[0] && scrambled.at(-1) === word.at(-1),
      anagrams2: (s, word) => s.slice(0, 2) === word.slice(0, 2) && s.slice(-2) === word.slice(-2),
      random_insertion: (scrambled, word) =>
        [...scrambled].every((c, i) => (i % 2 === 0 ? c === word[i / 2] : ' .!/'.includes(c))),
      reversed_words: (scrambled, word) => [...scrambled].reverse().join('') === word,
    };
    expect(namesIn('unscramble').sort()).toEqual(Object.keys(checks).sort());
    const stories = new Set(readFileSync(join(DATA, 'stories/stories.jsonl'), 'utf8').match(/[a-z]+/g));
    for (const [name, check] of Object.entries(checks)) {
      for (const { scrambled = '', word = '' } of both(`unscramble/${name}`)) {
        expect([scrambled !== word, check(scrambled, word), word.length > 4, stories.has(word)], scrambled).toEqual(
          Array(4).fill(true),
        );
        const letters = name === 'random_insertion' ? scrambled.replace(/[^a-z]/g, '') : scrambled;
        expect(sorted(letters)).toBe(sorted(word));
      }
      expect(new Set(both(`unscramble/${name}`).map(({ word }) => word)).size).toBe(200);
    }
  });

  test('stories are not those that models are trained on; the word of a cloze was said before', () => {
    const trained = new Set(readFileSync(join(DATA, 'stories/stories.jsonl'), 'utf8').split('\n'));
    const fresh = rowsOf('stories/default/test.jsonl');
    expect(fresh.filter((row) => trained.has(JSON.stringify(row)))).toEqual([]);
    const words = both('cloze/default').map(({ text = '' }) => {
      const [, before = '', word = ''] = /^(.*) ([a-z]{4,})$/s.exec(text) ?? [];
      expect(before).toMatch(new RegExp(`\\b${word}\\b`));
      return word;
    });
    const most = Math.max(...[...new Set(words)].map((word) => words.filter((one) => one === word).length));
    expect(most / words.length).toBeLessThan(0.1); // always saying one word
  });
});

type Task = Record<string, unknown>;
const load = (file: string): Task => parse(readFileSync(join(TASKS, file), 'utf8'), { version: '1.1' }) as Task;
const withInclude = (file: string): Task => {
  const { include, ...own } = load(file);
  return typeof include === 'string' ? { ...load(include), ...own } : own;
};

const taskFiles = readdirSync(TASKS).filter((file) => file.endsWith('.yaml'));
const all = taskFiles.map((file) => ({ file, task: withInclude(file) }));

describe('the built-in tasks', () => {
  // lm_eval/config/task.py, TaskConfig
  const KEYS = [
    ...[
      'task',
      'tag',
      'dataset_path',
      'dataset_kwargs',
      'output_type',
      'training_split',
      'validation_split',
      'test_split',
    ],
    ...['doc_to_text', 'doc_to_target', 'doc_to_choice', 'target_delimiter', 'fewshot_delimiter', 'description'],
    ...['generation_kwargs', 'metric_list', 'metadata'],
  ];

  test.each(
    all.filter(({ task }) => task['task'] !== undefined && task['group'] === undefined),
  )('$file: keys of the harness, a version, and rows of every split that it names', async ({ file, task }) => {
    expect(Object.keys(task).filter((key) => !KEYS.includes(key))).toEqual([]);
    expect(readFileSync(join(TASKS, file), 'utf8')).toMatch(/^# \S.*\n[^#]/);
    expect(task).toMatchObject({ task: basename(file, '.yaml'), tag: 'tfgpt', metadata: { version: 1 } });
    const set = { path: String(task['dataset_path']), kwargs: task['dataset_kwargs'] as Doc, folder: TASKS };
    const { test_split, validation_split, training_split } = task as Record<string, string>;
    const asked = await evalRows([], set, (test_split ?? validation_split)!);
    expect(asked.length).toBeGreaterThanOrEqual(80);
    expect(asked.length).toBeLessThanOrEqual(200);
    const shown = training_split === undefined ? [] : await evalRows([], set, training_split);
    if (training_split !== undefined) expect(shown.length).toBeGreaterThanOrEqual(60);
    const templates = `${task['doc_to_text']} ${task['doc_to_target']}`.matchAll(/\{\{(\w+)/g);
    for (const [, name] of templates) expect(Object.keys(asked[0]!), file).toContain(name);
  });

  test('entailment, feelings and endings: every target is among the choices', async () => {
    const rows = async (file: string) => {
      const task = withInclude(file);
      const set = { path: String(task['dataset_path']), kwargs: task['dataset_kwargs'] as Doc, folder: TASKS };
      return {
        choices: task['doc_to_choice'],
        rows: [...(await evalRows([], set, 'train')), ...(await evalRows([], set, 'validation'))],
      };
    };
    const feeling = await rows('tfgpt_feeling.yaml');
    expect([...new Set(feeling.rows.map(({ label }) => label))].sort()).toEqual(
      [...(feeling.choices as string[])].sort(),
    );
    const entailment = await rows('tfgpt_entailment.yaml');
    expect([...new Set(entailment.rows.map(({ label }) => label))].sort()).toEqual([
      'contradiction',
      'entailment',
      'neutral',
    ]);
    const endings = await rows('tfgpt_endings.yaml');
    for (const { label, answers } of endings.rows) expect((answers as string[])[label as number]).toBeTypeOf('string');
  });

  test('groups name tasks that are there; no name is used twice', () => {
    const groups = all.filter(({ task }) => task['group'] !== undefined);
    expect(groups.map(({ task }) => task['group'])).toEqual(['arithmetic', 'unscramble']);
    const names = all.map(({ task }) => String(task['group'] ?? task['task']));
    expect(new Set(names).size).toBe(names.length);
    for (const { task } of groups) {
      expect((task['task'] as string[]).filter((name) => !names.includes(name))).toEqual([]);
      expect(task).toMatchObject({ metadata: { version: 1 } });
    }
    expect((groups[0]!.task['task'] as string[]).length).toBe(10);
    expect((groups[1]!.task['task'] as string[]).length).toBe(5);
  });
});
