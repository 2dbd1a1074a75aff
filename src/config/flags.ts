// Dotted command-line flags to settings: --train.max_steps 100, --model.n_layer=4, --train.betas "[0.9, 0.99]".
//
// yargs' Parser splits the arguments; the text of a value is then read as YAML, as it would be in a file, except
// where the key takes text: --sample.prompt "3: a #b" stays as typed. A repeated flag makes a list where the key
// takes one (--data.path a.txt --data.path b.txt); otherwise the last one counts.

import { parse } from 'yaml';
import { Parser } from 'yargs/helpers';
import type { ConfigKey, KeyTable } from './keys.js';
import { type Setting, settingProblem, unknownKey } from './settings.js';

/** Settings of the flags. Appends what is wrong with them to `problems`, one line each. */
export function readFlags(flags: readonly string[], problems: string[], table: KeyTable): Setting[] {
  const parsed = Parser([...flags], {
    string: [...table.keys.keys()],
    configuration: {
      'dot-notation': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    },
  });
  const settings: Setting[] = [];
  for (const [path, raw] of Object.entries(parsed)) {
    if (path === '_') continue;
    const flag = `${path.length === 1 ? '-' : '--'}${path}`;
    const key = table.keys.get(path);
    if (table.sections.includes(path)) {
      const example = [...table.keys.values()].find((k) => k.section === path)!;
      problems.push(`${flag}: a section: name one of its keys, as in --${example.path}`);
    } else if (key === undefined) {
      problems.push(unknownKey(path, flag, table).replace(`${flag}: ${path}: unknown key`, `${flag}: unknown flag`));
    } else {
      const setting = { path, value: flagValue(key, raw), origin: flag, where: flag };
      const problem = settingProblem(setting, table);
      if (problem) problems.push(problem);
      else settings.push(setting);
    }
  }
  for (const word of parsed._) problems.push(`${word}: belongs to no flag (a list is one word: "[0.9, 0.95]")`);
  return settings;
}

/** The value that the text of a flag stands for. raw: text, or an array of texts when the flag is repeated. */
function flagValue(key: ConfigKey, raw: unknown): unknown {
  const { schema } = key;
  const accepts = (value: unknown) => schema.safeParse(value).success;
  if (Array.isArray(raw)) return accepts(raw) ? raw : flagValue(key, raw.at(-1));
  const text = String(raw);
  if (text === '' && accepts(true)) return true; // a switch: --train.recompute
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'error' });
  } catch {
    return text;
  }
  const isList = Array.isArray(value) && accepts(value);
  return accepts(text) && !isList ? text : value;
}
