// How a prompt is put together, where white space must not be wrong by one character:
//
//   description, then for each demonstration  question + target_delimiter + answer + fewshot_delimiter,  then the question
//
// The continuation begins with target_delimiter. With gen_prefix, a beginning of every answer, it comes after the question,
// delimited unless there is white space already, and an answer follows it after a space.

import type { PythonRandom } from './python_random.js';
import { endsWithSpace, startsWithSpace } from './python_text.js';

/** A worked example, or with answer null a question. */
export interface Turn {
  readonly question: string;
  readonly answer: string | null;
  readonly prefix: string | null;
}

/** A turn as text. The delimiters are those after the question and after the answer. */
export function turnText({ question, answer, prefix }: Turn, target: string, fewshot: string): string {
  const answered = answer !== null && answer !== '';
  const delimited = prefix ? question !== '' && !endsWithSpace(question) && !startsWithSpace(prefix) : answered;
  const asked = question + (delimited ? target : '');
  return answered ? asked + joined(prefix ?? '', answer) + fewshot : asked + (prefix ?? '');
}

/** Prefix and answer with a space between, unless one of them has white space there. */
const joined = (prefix: string, answer: string): string =>
  prefix === '' || endsWithSpace(prefix) || startsWithSpace(answer) ? prefix + answer : `${prefix} ${answer}`;

/**
 * The same answers in another order, such that no question keeps an answer of the same text, where that is possible; drawn
 * from `random`.
 */
export function shuffledAnswers(answers: readonly (string | null)[], random: PythonRandom): (string | null)[] {
  const groups = new Map<string | null, number[]>();
  for (const i of random.shuffle(answers.map((_, place) => place))) {
    const answer = answers[i] ?? null;
    groups.set(answer, [...(groups.get(answer) ?? []), i]);
  }
  // with equal answers side by side, a step as wide as the widest group leaves every group
  const order = [...groups.values()].flat();
  const step = Math.max(0, ...[...groups.values()].map((group) => group.length));
  const shuffled = [...answers];
  order.forEach((place, i) => {
    shuffled[place] = answers[order[(i + step) % order.length]!] ?? null;
  });
  return shuffled;
}
