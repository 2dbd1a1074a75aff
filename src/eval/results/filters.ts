// Filters of filter_list: from the answers to a request, `repeats` of them, to what the metrics judge.
//
//   take_first             the first answer                         take_first_k {k}   the first k
//   majority_vote          a list of the most frequent one, the earlier of equals
//   remove_whitespace, lowercase, uppercase                         map {mapping_dict, default_value}
//   regex {regex_pattern, group_select, fallback}
//                          of all matches the group_select-th (negative: from the end); of several groups the first
//                          that is not empty
//   multi_choice_regex     the same, and where it finds nothing the text of a choice (column `choices` of the document),
//                          and then ": A": both give the choice's letter, "(A)"
// Without a filter_list there is one filter, "none": take_first.

import { ConfigError } from '../../base/errors.js';
import { isRecord } from '../../base/json.js';
import { escapeRegex, type Found, PythonRegex } from '../harness/python_regex.js';
import { strip } from '../harness/python_text.js';
import type { FilterStep, Scoring } from '../harness/task_scoring.js';
import type { Doc } from '../request.js';
import { isList, type Response, type Single } from './response.js';
import { notSupported } from './scoring.js';

/** A filter: what a list of answers to one request of a document becomes. */
export interface Filter {
  readonly name: string;
  apply(answers: readonly Single[], doc: Doc): Response;
}

type Step = (answers: Response, doc: Doc) => Response;

/** The filters of a task. Throws ConfigError for one that is not supported. */
export function filtersOf(scoring: Scoring): Filter[] {
  const list = scoring.filter_list ?? [{ name: 'none', filter: [{ function: 'take_first' }] }];
  return list.map(({ name, filter }) => {
    const steps = filter.map((step) => stepOf(scoring, step, `task ${scoring.task}: filter "${name}"`));
    return { name, apply: (answers, doc) => steps.reduce((so_far: Response, step) => step(so_far, doc), answers) };
  });
}

function stepOf(scoring: Scoring, step: FilterStep, where: string): Step {
  const { function: name, ...options } = step;
  const make = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (!make) throw notSupported(scoring, `filter "${name}"`, Object.keys(FILTERS));
  const at = `${where}, ${name}`;
  const made = make(options, at);
  return (answers, doc) => {
    if (isList(answers)) return made(answers, doc);
    throw new ConfigError(`${at}: comes after a filter that left one answer of the list`, 'put "take_first" last');
  };
}

type Options = Readonly<Record<string, unknown>>;
type MakeStep = (options: Options, where: string) => (answers: readonly Single[], doc: Doc) => Response;

const FILTERS: Readonly<Record<string, MakeStep>> = {
  take_first: () => (answers) => answers[0]!,
  take_first_k: ({ k }, where) => {
    if (typeof k !== 'number') throw new ConfigError(`${where}: k is missing`, 'say how many: k: 8');
    return (answers) => {
      if (answers.length >= k) return answers.slice(0, k);
      throw new ConfigError(`${where}: ${k} answers of ${answers.length}`, `set repeats to ${k} or more`);
    };
  },
  majority_vote: () => (answers) => [mostFrequent(answers)],
  remove_whitespace: eachText((text) => strip(text)),
  lowercase: eachText((text) => text.toLowerCase()),
  uppercase: eachText((text) => text.toUpperCase()),
  map: ({ mapping_dict: mapping = {}, default_value: otherwise = null }, where) => {
    if (!isRecord(mapping)) throw new ConfigError(`${where}: mapping_dict is no mapping`, 'write mapping_dict: {A: 1}');
    return (answers) =>
      answers.map((answer) => (Object.hasOwn(mapping, String(answer)) ? mapping[String(answer)] : otherwise) as Single);
  },
  regex: (options, where) => {
    const find = finder(options, where);
    return (answers) => answers.map((answer) => find(answer) ?? find.fallback);
  },
  multi_choice_regex: (options, where) => {
    const find = finder(options, where);
    return (answers, doc) => {
      const ofChoice = choiceFinder(options, where, doc, find.select);
      return answers.map((answer) => find(answer) || ofChoice(answer) || find.fallback);
    };
  },
};

function eachText(change: (text: string) => string): MakeStep {
  return (_, where) => (answers) =>
    answers.map((answer) => {
      if (typeof answer === 'string') return change(answer);
      throw new ConfigError(`${where}: an answer is no text`, 'use it with output_type: generate_until');
    });
}

/** As a Counter's most_common: the earlier of equals. */
function mostFrequent(answers: readonly Single[]): Single {
  const counts = new Map<Single, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  let [best, most]: [Single, number] = [null, 0];
  for (const [answer, count] of counts) if (count > most) [best, most] = [answer, count];
  return best;
}

// ---- regex

interface Finder {
  /** The selected match of an answer, stripped. undefined: there is none, or its groups are all empty. */
  (answer: Single): string | undefined;
  readonly fallback: Single;
  /** The same choice among matches of another pattern. */
  readonly select: (found: readonly Found[]) => string | undefined;
}

function finder(options: Options, where: string): Finder {
  const {
    regex_pattern: pattern = '#### (\\-?[0-9\\.\\,]+)',
    group_select: place = 0,
    fallback = '[invalid]',
  } = options;
  if (typeof pattern !== 'string' || typeof place !== 'number') {
    throw new ConfigError(`${where}: regex_pattern is a text and group_select a number`, 'correct the two in the YAML');
  }
  const regex = PythonRegex.at(where, pattern);
  const select = (found: readonly Found[]): string | undefined => {
    const match = found.at(place);
    const text = typeof match === 'string' ? match : match?.find((group) => group !== '');
    return text === undefined ? undefined : strip(text);
  };
  const find = (answer: Single) => select(regex.findAll(typeof answer === 'string' ? answer : ''));
  return Object.assign(find, { fallback: fallback as Single, select });
}

/** The letter of the choice whose text, or whose letter after a colon, stands in an answer. */
function choiceFinder(options: Options, where: string, doc: Doc, select: Finder['select']) {
  const choices = doc['choices'];
  if (!Array.isArray(choices)) {
    throw new ConfigError(`${where}: the documents have no list "choices"`, 'use the filter "regex"');
  }
  const clean = cleaner(options, where);
  const letters = choices.map((_, i) => String.fromCharCode(65 + i));
  const texts = choices.map((choice) => clean(strip(String(choice))));
  const letterOf = new Map(texts.map((text, i) => [text, `(${letters[i]})`]));
  const byText = PythonRegex.at(where, texts.map(escapeRegex).join('|'));
  const byLetter = PythonRegex.at(where, `:[\\s]*(${letters.join('|')})`);
  return (answer: Single): string | undefined => {
    const said = typeof answer === 'string' ? answer : '';
    const text = select(byText.findAll(clean(said)));
    if (text) return letterOf.get(text) ?? text;
    const letter = select(byLetter.findAll(said));
    return letter && `(${letter})`;
  };
}

function cleaner({ ignore_case, ignore_punctuation, regexes_to_ignore: ignored = [] }: Options, where: string) {
  const regexes = (ignored as readonly string[]).map((pattern) => PythonRegex.at(where, pattern));
  return (text: string): string => {
    let rest = regexes.reduce((left, regex) => regex.sub('', left), text);
    if (ignore_case === true) rest = rest.toLowerCase();
    return ignore_punctuation === true ? rest.replace(/\p{P}/gu, '') : rest;
  };
}
