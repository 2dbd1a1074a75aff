// TypeScript versions of the Python functions that well-known task files of lm-evaluation-harness name with !function, so that
// MNLI, HellaSwag, WinoGrande, COPA, WikiText, WSC, RACE, CB, arithmetic and TruthfulQA (MC2) run from unchanged task files.
//
// A function is found by the folder of the task file and its own name. They were written from commit 4e7e0d4; where the
// Python file beside the task file is another one (its SHA-256 differs), otherVersion says so. Tests against the Python
// functions themselves: test/eval/harness/functions.test.ts.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError } from '../../base/errors.js';
import { detokenize } from '../detokenize.js';
import type { Doc } from '../request.js';
import { literalEval } from './python_literal.js';
import { capitalize, characters, length, SPACE_CLASS, split, strip } from './python_text.js';
import type { FunctionName } from './yaml11.js';

/** process_docs, for one document. */
export type DocFunction = (doc: Doc) => Doc;
/** doc_to_text, doc_to_target, doc_to_choice. */
export type FieldFunction = (doc: Doc) => unknown;
/**
 * process_results: a document's items, by metric. Answers as filters leave them: {logprob, greedy} of a continuation, ln p of a
 * whole text, or text.
 */
export type ResultsFunction = (doc: Doc, answers: readonly unknown[]) => Readonly<Record<string, unknown>>;
/** aggregation: a metric from the items of all documents. */
export type AggregationFunction = (items: readonly unknown[]) => number;

/** What was ported of one Python file. */
interface Ported {
  readonly sha256: string;
  readonly docs?: Readonly<Record<string, DocFunction>>;
  readonly fields?: Readonly<Record<string, FieldFunction>>;
  readonly results?: Readonly<Record<string, ResultsFunction>>;
  readonly aggregations?: Readonly<Record<string, AggregationFunction>>;
}

/** The port of process_docs. Throws ConfigError where there is none, as the three functions below. */
export const docFunction = (name: FunctionName): DocFunction => port(name, 'docs');
export const fieldFunction = (name: FunctionName): FieldFunction => port(name, 'fields');
export const resultsFunction = (name: FunctionName): ResultsFunction => port(name, 'results');
export const aggregationFunction = (name: FunctionName): AggregationFunction => port(name, 'aggregations');

/** A sentence for the user where the Python file is not the one that was ported; null where it is, or where there is none. */
export function otherVersion(name: FunctionName): string | null {
  let text: Buffer;
  try {
    text = readFileSync(name.file);
  } catch {
    return null;
  }
  const known = fileOf(name)?.sha256;
  if (known === undefined || createHash('sha256').update(text).digest('hex') === known) return null;
  return `${name.file} is another version than the one that ${name.name} was translated from: results may differ`;
}

function port<K extends 'docs' | 'fields' | 'results' | 'aggregations'>(
  name: FunctionName,
  kind: K,
): NonNullable<Ported[K]>[string] {
  const table = fileOf(name)?.[kind] as Readonly<Record<string, NonNullable<Ported[K]>[string]>> | undefined;
  const found = table !== undefined && Object.hasOwn(table, name.name) ? table[name.name] : undefined;
  if (found !== undefined) return found;
  throw new ConfigError(
    `${name.file}: the function ${name.name} is Python, and gpt has no version of its own`,
    'choose a task whose file names no such function, or write the field as a template',
  );
}

const fileOf = (name: FunctionName): Ported | undefined => {
  const file = name.file.replaceAll('\\', '/');
  return PORTS.find(([end]) => file.endsWith(`/${end}`))?.[1];
};

const string = (value: unknown): string => {
  if (typeof value !== 'string') throw new TypeError(`text is expected, not ${JSON.stringify(value)}`);
  return value;
};

// ---- GLUE and SuperGLUE

const mnli: FieldFunction = ({ premise, hypothesis }) => {
  const said = strip(string(hypothesis));
  return `${string(premise)}\nQuestion: ${said}${said.endsWith('.') ? '' : '.'} True, False or Neither?\nAnswer:`;
};

const decapitalized = (value: unknown): string => {
  const [first = '', ...rest] = characters(string(value));
  return first.toLowerCase() + rest.join('');
};

const copa: Readonly<Record<string, FieldFunction>> = {
  doc_to_text: ({ premise, question }) => {
    const connector = { cause: 'because', effect: 'therefore' }[string(question)];
    if (connector === undefined) throw new RangeError(`question is neither cause nor effect: ${question}`);
    return `${characters(strip(string(premise)))
      .slice(0, -1)
      .join('')} ${connector}`; // without the full stop
  },
  doc_to_target: ({ choice1, choice2, label }) => ` ${decapitalized(label === 0 ? choice1 : choice2)}`,
  doc_to_choice: ({ choice1, choice2 }) => [` ${decapitalized(choice1)}`, ` ${decapitalized(choice2)}`],
};

/** The pronoun stands at word span2_index; what follows it keeps its spaces. */
const wsc: FieldFunction = ({ text, span1_text: noun, span2_text: pronoun, span2_index: at }) => {
  const before = split(string(text))
    .slice(0, at as number)
    .join(' ');
  const after = characters(string(text))
    .slice(length(before) + length(string(pronoun)) + 1)
    .join('');
  const passage = `${before} *${pronoun}*${after}`
    .replaceAll(" n't", "n't")
    .replaceAll(' )', ')')
    .replaceAll('( ', '(')
    .replaceAll('" ', '"')
    .replaceAll(' "', '"')
    .replace(/ (['.,])/g, '$1');
  const question = `In the passage above, does the pronoun "*${pronoun}*" refer to "*${noun}*"?`;
  return `Passage: ${passage}\nQuestion: ${question}\nAnswer:`;
};

/** Mean of the F1 of each of CB's three classes. Items are pairs of classes; F1 does not mind which is the right one. */
const threeClassF1: AggregationFunction = (items) => {
  const pairs = items as readonly (readonly [unknown, unknown])[];
  const f1 = [0, 1, 2].map((label) => {
    const both = pairs.filter(([a, b]) => a === label && b === label).length;
    const either = pairs.filter(([a]) => a === label).length + pairs.filter(([, b]) => b === label).length;
    return either === 0 ? 0 : (2 * both) / either;
  });
  return f1.reduce((sum, x) => sum + x, 0) / 3;
};

// ---- HellaSwag

const withoutBrackets = (text: string): string =>
  strip(text)
    .replaceAll(' [title]', '. ')
    .replace(/\[[^\n]*?\]/g, '')
    .replaceAll('  ', ' ');

const hellaswag: DocFunction = (doc) => ({
  ...doc,
  query: withoutBrackets(
    `${string(doc['activity_label'])}: ${string(doc['ctx_a'])} ${capitalize(string(doc['ctx_b']))}`,
  ),
  choices: (doc['endings'] as unknown[]).map((ending) => withoutBrackets(string(ending))),
  gold: Number.parseInt(String(doc['label']), 10),
});

// ---- WinoGrande: the two choices are contexts, the rest of the sentence is what is scored

const blank = (doc: Doc): [before: string, after: string] => {
  const sentence = string(doc['sentence']);
  const at = sentence.indexOf('_');
  if (at < 0) throw new RangeError(`the sentence has no blank _: ${sentence}`);
  return [sentence.slice(0, at), sentence.slice(at + 1)];
};

const winogrande: Readonly<Record<string, FieldFunction>> = {
  doc_to_text: ({ answer }) => {
    if (answer !== '1' && answer !== '2')
      throw new RangeError(`answer is neither "1" nor "2": ${JSON.stringify(answer)}`);
    return Number(answer) - 1;
  },
  doc_to_target: (doc) => strip(blank(doc)[1]),
  doc_to_choice: (doc) => [doc['option1'], doc['option2']].map((option) => blank(doc)[0] + string(option)),
};

// ---- RACE: an article with several questions, all but the last one answered

interface Problem {
  readonly question: string;
  readonly answer: string;
  readonly options: readonly string[];
}

const problems = (doc: Doc): Problem[] => literalEval(string(doc['problems'])) as Problem[];
const last = (doc: Doc): Problem => problems(doc).at(-1)!;
const letter = ({ answer }: Problem): number => {
  const at = 'ABCD'.indexOf(answer);
  if (at < 0 || answer.length !== 1) throw new RangeError(`answer is none of A, B, C, D: ${answer}`);
  return at;
};

const race: Readonly<Record<string, FieldFunction>> = {
  doc_to_text: (doc) => {
    const answered = problems(doc)
      .slice(0, -1)
      .map((problem) => {
        const { question, options } = problem;
        const answer = options[letter(problem)]!;
        // a sentence with a gap at its end is completed instead
        return question.endsWith('  _  .')
          ? `${question.slice(0, -5)}${answer}\n`
          : `Question: ${question}\nAnswer: ${answer}\n`;
      });
    return `Article: ${string(doc['article'])}\n\n${answered.join('')}${last(doc).question}`;
  },
  doc_to_target: (doc) => letter(last(doc)),
  doc_to_choice: (doc) => last(doc).options.slice(0, 4),
};

// ---- WikiText: the tokenised text is put together again; words and bytes are counted before that

const detokenized: FieldFunction = ({ page }) => detokenize(string(page), 'wikitext');

const wikitext: ResultsFunction = ({ page }, [logprob]) => {
  const words = string(page).split(new RegExp(`[${SPACE_CLASS}]+`)).length;
  const bytes = Buffer.byteLength(string(page), 'utf8');
  return { word_perplexity: [logprob, words], byte_perplexity: [logprob, bytes], bits_per_byte: [logprob, bytes] };
};

// ---- arithmetic, TruthfulQA

const arithmetic: DocFunction = (doc) => ({
  ...doc,
  context: strip(string(doc['context']))
    .replaceAll('\n\n', '\n')
    .replaceAll('Q:', 'Question:')
    .replaceAll('A:', 'Answer:'),
});

/** The share of probability that goes to the true answers. */
const truthfulMc2: ResultsFunction = (doc, answers) => {
  const { labels } = doc['mc2_targets'] as { labels: readonly number[] };
  const mass = answers.map((answer) => Math.exp((answer as { logprob: number }).logprob));
  const sum = mass.reduce((a, b) => a + b, 0);
  return { acc: mass.reduce((a, b, i) => (labels[i] === 1 ? a + b / sum : a), 0) };
};

const PORTS: readonly (readonly [file: string, ported: Ported])[] = [
  [
    'glue/mnli/utils.py',
    { sha256: 'db3099bba72b47a29018221bbca9a9d44f043b5bf4fbc9df93b8081687ba895e', fields: { doc_to_text: mnli } },
  ],
  [
    'super_glue/copa/utils.py',
    { sha256: '0be98a907db647a518c42c916a61385b64f394cf9d0171b5cb86b7a036282de7', fields: copa },
  ],
  [
    'super_glue/wsc/preprocess_wsc.py',
    {
      sha256: 'af369d50024ef69d607630f79c70669b15d0501f3800be9ee46c98bb605d43fa',
      fields: { default_doc_to_text: wsc },
    },
  ],
  [
    'super_glue/cb/aggregate.py',
    {
      sha256: '1a65ad044b6b663a7293c84a70a1d1deb1762897272b4de3328f4b9ad57d847a',
      aggregations: { cb_multi_fi: threeClassF1 },
    },
  ],
  [
    'hellaswag/utils.py',
    { sha256: '07d23b60b28f2a4f658dcf8440623a63fe6644854ce9b846a114dde980dc1214', docs: { process_docs: hellaswag } },
  ],
  [
    'winogrande/preprocess_winogrande.py',
    { sha256: 'e55327629264a98f1d383fda24645b6779afb53fa0bce2150042b9416b1ae006', fields: winogrande },
  ],
  [
    'race/preprocess_race.py',
    { sha256: '15778ab69ca3b96c3d82618500ad59702ff7ea9dbf09e90e4505abc16ac53ad0', fields: race },
  ],
  [
    'wikitext/preprocess_wikitext.py',
    {
      sha256: 'a44020374b172159bf5be80a64d2c4194c9d5c77284f696ac666361338c8da7d',
      fields: { wikitext_detokenizer: detokenized },
      results: { process_results: wikitext },
    },
  ],
  [
    'arithmetic/utils.py',
    { sha256: '55c93da7005300ce496a18bce8251febab8acd36b8c4d8875679ff432c2031f9', docs: { process_docs: arithmetic } },
  ],
  [
    'truthfulqa/utils.py',
    {
      sha256: 'd3c827d1e2cd442a1e4738b527a18effd48cbb2aed478c12a652311b5ea4dbc8',
      results: { process_results_mc2: truthfulMc2 },
    },
  ],
];
