import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../src/tokenizer/load.js';

// A path in a variable: the generator is plain JavaScript without types.
const generator = new URL('../../data/generate_tasks.mjs', import.meta.url).href;
const { generateTasks } = (await import(generator)) as { generateTasks(): Map<string, string> };
const path = (name: string) => fileURLToPath(new URL(`../../data/tasks/${name}`, import.meta.url));
const files = generateTasks();

type Row = Record<string, string>;
interface Choice {
  context: string;
  question: string;
  answers: string[];
  label: number;
}

function table(name: string): Row[] {
  const [head = '', ...lines] = readFileSync(path(name), 'utf8').trimEnd().split('\n');
  const cells = (line: string) =>
    name.endsWith('.tsv')
      ? line.split('\t')
      : [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)|([^",]+)(?:,|$)/g)].map(
          ([, quoted, bare = '']) => quoted?.replaceAll('""', '"') ?? bare,
        );
  const keys = cells(head);
  return lines.map((line) => Object.fromEntries(cells(line).map((cell, i) => [keys[i] ?? '', cell])));
}
const jsonl = <T>(name: string): T[] =>
  readFileSync(path(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

const both = <T>(read: (split: string) => T[]) => ({ train: read('train'), dev: read('dev') });
const feeling = both((split) => table(`feeling/${split}.tsv`));
const entailment = both((split) => jsonl<Row>(`entailment/${split}.jsonl`));
const similarity = both((split) => table(`similarity/${split}.csv`));
const endings = both((split) => jsonl<Choice>(`endings/${split}.jsonl`));

const words = (text: string): string[] => text.toLowerCase().match(/[a-z']+/g) ?? [];
const share = (hits: readonly boolean[]): number => hits.filter(Boolean).length / hits.length;
function counts(values: Iterable<string | number>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const value of values) found[value] = (found[value] ?? 0) + 1;
  return found;
}

/** Naive Bayes over the words of a text, with one added to each count: what words tell without their order. */
function wordRule(train: readonly (readonly [string, string])[]): (text: string) => string {
  const classes = [...new Set(train.map(([, label]) => label))];
  const all = new Set(train.flatMap(([text]) => words(text)));
  const tables = classes.map((label) => {
    const seen = train.filter(([, gold]) => gold === label).flatMap(([text]) => words(text));
    return { label, seen: counts(seen), total: seen.length + all.size };
  });
  return (text) => {
    const scores = tables.map(({ seen, total }) =>
      words(text).reduce((sum, word) => sum + (all.has(word) ? Math.log(((seen[word] ?? 0) + 1) / total) : 0), 0),
    );
    return classes[scores.indexOf(Math.max(...scores))] ?? '';
  };
}
function wordAccuracy(train: readonly Row[], dev: readonly Row[], text: (row: Row) => string): number {
  const rule = wordRule(train.map((row) => [text(row), row['label'] ?? '']));
  return share(dev.map((row) => rule(text(row)) === row['label']));
}

/** Log odds of being right, over the words of an answer. */
function wordOdds(train: readonly (readonly [string, boolean])[]): (answer: string) => number {
  const seen = [true, false].map((right) =>
    counts(train.flatMap(([text, gold]) => (gold === right ? words(text) : []))),
  );
  return (answer) =>
    words(answer).reduce((sum, word) => sum + Math.log(((seen[0]?.[word] ?? 0) + 1) / ((seen[1]?.[word] ?? 0) + 1)), 0);
}

function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  const dot = (a: readonly number[], ma: number, b: readonly number[], mb: number) =>
    a.reduce((sum, v, i) => sum + (v - ma) * ((b[i] ?? 0) - mb), 0);
  return dot(x, mx, y, my) / Math.sqrt(dot(x, mx, x, mx) * dot(y, my, y, my));
}

describe('the bundled tasks', () => {
  test('the files are what the generator writes, byte for byte, under 300 kB', () => {
    for (const [name, text] of files) expect(readFileSync(path(name), 'utf8') === text, name).toBe(true);
    expect(files.size).toBe(8);
    expect([...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBeLessThan(300_000);
  });

  test('no row occurs twice, in one split or in both', () => {
    for (const name of ['feeling', 'entailment', 'similarity', 'endings']) {
      const lines = [...files].flatMap(([file, text]) =>
        file.startsWith(`${name}/`)
          ? text
              .trimEnd()
              .split('\n')
              .slice(file.endsWith('.jsonl') ? 0 : 1)
          : [],
      );
      expect(new Set(lines).size, name).toBe(lines.length);
    }
  });

  test('every class is as frequent as every other, so that the majority is one in so many', () => {
    const labels = (rows: readonly Row[], key: string) => counts(rows.map((row) => row[key] ?? ''));
    expect(labels(feeling.train, 'label')).toEqual({ glad: 133, sad: 133, afraid: 133 });
    expect(labels(feeling.dev, 'label')).toEqual({ glad: 33, sad: 33, afraid: 33 });
    expect(labels(entailment.train, 'label')).toEqual({ entailment: 120, neutral: 120, contradiction: 120 });
    expect(labels(entailment.dev, 'label')).toEqual({ entailment: 33, neutral: 33, contradiction: 33 });
    const scores = Array.from({ length: 11 }, (_, i) => (i / 2).toFixed(1));
    expect(labels(similarity.train, 'score')).toEqual(Object.fromEntries(scores.map((score) => [score, 32])));
    expect(labels(similarity.dev, 'score')).toEqual(Object.fromEntries(scores.map((score) => [score, 9])));
    expect(counts(endings.train.map((row) => row.answers.length))).toEqual({ 2: 100, 3: 100, 4: 100 });
    expect(counts(endings.dev.map((row) => row.answers.length))).toEqual({ 2: 33, 3: 33, 4: 33 });
  });

  test('the text is clean, ASCII, and short: at most 120 of the stories’ tokens, the three special ones included', async () => {
    const texts = [
      ...[feeling.train, feeling.dev, entailment.train, entailment.dev, similarity.train, similarity.dev]
        .flat()
        .map((row) => Object.entries(row).flatMap(([key, text]) => (key === 'label' || key === 'score' ? [] : text))),
      ...[...endings.train, ...endings.dev].flatMap((row) =>
        row.answers.map((answer) => [`${row.context} ${row.question}`, answer]),
      ),
    ];
    const faults = /[^\x20-\x7e]|[[\]{}<>|~_]|undefined|^[a-z ]|^$| {2}| [.,!?]|[.,!?]{2}|[^.?!"]$/;
    const article = /\b[Aa] (?:[aeiou]|hour|honest)|\b[Aa]n (?![aeiou]|hour|honest)|[.!?] [a-z]/;
    expect(texts.flat().filter((text) => faults.test(text) || article.test(text))).toEqual([]);

    const tokenizer = await loadTokenizer(fileURLToPath(new URL('../../data/stories/tokenizer.json', import.meta.url)));
    const lengths = texts.map((parts) => parts.reduce((sum, text) => sum + tokenizer.encode(text).length, 3));
    const bytes = texts.flat().reduce((sum, text) => sum + text.length, 0);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(120);
    expect(bytes / (lengths.reduce((a, b) => a + b) - 3 * lengths.length)).toBeGreaterThan(3);
  });

  test('feeling: no text says it, and counting words is far from enough', () => {
    const rows = [...feeling.train, ...feeling.dev].map((row) => row['sentence'] ?? '');
    const said =
      /\b(glad|happy|proud|pleased|joy|sad|upset|unhappy|tears?|worried|cried|afraid|scared|frightened|fear\w*)\b/i;
    expect(rows.filter((text) => said.test(text))).toEqual([]);
    expect(wordAccuracy(feeling.train, feeling.dev, (row) => row['sentence'] ?? '')).toBeLessThan(0.75);
  });

  test('entailment: the premise tells nothing alone, the hypothesis some, the words of both no more, lengths little', () => {
    const { train, dev } = entailment;
    // Chance is 0.333 with a standard error of 0.047 on 99 rows.
    expect(wordAccuracy(train, dev, (row) => row['premise'] ?? '')).toBeLessThan(0.46);
    expect(wordAccuracy(train, dev, (row) => row['hypothesis'] ?? '')).toBeLessThan(0.66);
    expect(wordAccuracy(train, dev, (row) => `${row['premise']} ${row['hypothesis']}`)).toBeLessThan(0.66);
    for (const side of ['premise', 'hypothesis']) {
      for (const label of ['entailment', 'neutral', 'contradiction']) {
        const r = correlation(
          [...train, ...dev].map((row) => row[side]?.length ?? 0),
          [...train, ...dev].map((row) => Number(row['label'] === label)),
        );
        expect(Math.abs(r), `${side} ${label}`).toBeLessThan(0.15);
      }
    }
  });

  test('similarity: shared words help and do not decide, lengths do neither', () => {
    const rows = [...similarity.train, ...similarity.dev];
    const scores = rows.map((row) => Number(row['score']));
    const pairs = rows.map((row) => [words(row['sentence1'] ?? ''), words(row['sentence2'] ?? '')] as const);
    const overlap = pairs.map(([a, b]) => a.filter((word) => b.includes(word)).length / Math.max(a.length, b.length));
    const difference = pairs.map(([a, b]) => Math.abs(a.length - b.length));
    expect(correlation(overlap, scores)).toBeGreaterThan(0.3);
    expect(correlation(overlap, scores)).toBeLessThan(0.8);
    expect(Math.abs(correlation(difference, scores))).toBeLessThan(0.15);
  });

  test('endings: neither the place of an answer nor its length nor the words that it shares with the context decides', () => {
    const rows = [...endings.train, ...endings.dev];
    const chance = rows.reduce((sum, row) => sum + 1 / row.answers.length, 0) / rows.length;
    const pick = (score: (answer: string, row: Choice) => number): number =>
      share(
        rows.map((row) => {
          const scores = row.answers.map((answer) => score(answer, row));
          return scores.indexOf(Math.max(...scores)) === row.label;
        }),
      );
    const near = 0.08; // three standard errors on 399 rows
    expect(chance).toBeCloseTo(0.361, 3);
    for (const place of [0, 1])
      expect(
        pick((answer, row) => Number(answer === row.answers[place])),
        `${place}`,
      ).toBeLessThan(chance + near);
    expect(pick((answer) => answer.length)).toBeLessThan(chance + near);
    expect(pick((answer) => -answer.length)).toBeLessThan(chance + near);
    const shared = (answer: string, row: Choice) => {
      const context = new Set(words(row.context));
      return words(answer).filter((word) => context.has(word)).length;
    };
    expect(pick(shared)).toBeLessThan(0.6);
    // Who reads the answers without the context knows a kind deed from an unkind one, and no more.
    const rule = wordOdds(
      endings.train.flatMap((row) => row.answers.map((answer, i) => [answer, i === row.label] as const)),
    );
    const dev = share(
      endings.dev.map(({ answers, label }) => {
        const odds = answers.map(rule);
        return odds.indexOf(Math.max(...odds)) === label;
      }),
    );
    expect(dev).toBeLessThan(0.8);
    expect(rows.filter((row) => new Set(row.answers).size < row.answers.length)).toEqual([]);
  });
});
