// exact_match of generated text: 1 where the answer is the target, after what both are cleaned of.
//
// In this order, all off by default: `regexes_to_ignore` (Python's, every match is cut out), `ignore_case`,
// `ignore_punctuation` (the 32 of ASCII), `ignore_numbers` (0 to 9).

import { ConfigError } from '../../base/errors.js';
import { PythonRegex } from '../harness/python_regex.js';
import { pythonStr } from '../harness/python_value.js';

const OPTIONS = ['regexes_to_ignore', 'ignore_case', 'ignore_punctuation', 'ignore_numbers'];
const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/** Whether a value says the same as a target. `where` names the metric in a ConfigError for an unknown option. */
export function exactMatcher(
  options: Readonly<Record<string, unknown>>,
  where: string,
): (answer: unknown, target: unknown) => boolean {
  for (const key of Object.keys(options)) {
    if (!OPTIONS.includes(key)) {
      throw new ConfigError(`${where}: unknown option "${key}"`, `options of exact_match: ${OPTIONS.join(', ')}`);
    }
  }
  const { regexes_to_ignore: ignored } = options;
  if (ignored != null && !(Array.isArray(ignored) && ignored.every((x) => typeof x === 'string'))) {
    throw new ConfigError(`${where}: regexes_to_ignore is no list of texts`, 'write regexes_to_ignore: ["\\\\$"]');
  }
  const regexes = ((ignored ?? []) as string[]).map((pattern) =>
    PythonRegex.at(`${where}: regexes_to_ignore`, pattern),
  );
  const clean = (value: unknown): string => {
    let text = pythonStr(value);
    for (const regex of regexes) text = regex.sub('', text);
    if (options['ignore_case'] === true) text = text.toLowerCase();
    if (options['ignore_punctuation'] === true) text = text.replace(PUNCTUATION, '');
    if (options['ignore_numbers'] === true) text = text.replace(/[0-9]/g, '');
    return text;
  };
  return (answer, target) => answer !== null && clean(answer) === clean(target);
}
