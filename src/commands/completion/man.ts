// The manual page gpt(1), in the macros of man(7), from the command tree.

import type { CommandTree } from '../options.js';

/** The page's source. */
export function manPage(root: CommandTree, version: string): string {
  const leaves = (tree: CommandTree): CommandTree[] =>
    tree.commands.length === 0 ? [tree] : tree.commands.flatMap(leaves);
  return [
    `.TH GPT 1 "" "gpt ${version}" "User Commands"`,
    '.SH NAME',
    `gpt \\- ${roff(root.summary.replace(/^T/, 't').replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    '.B gpt',
    '.I command',
    '[arguments] [options] [\\-\\-section.key value ...]',
    '.SH EXAMPLES',
    ...examples(root),
    '.SH COMMANDS',
    ...leaves(root).flatMap(section),
    '.SH OPTIONS OF ALL COMMANDS',
    ...root.options.flatMap(option),
    '.SH CONFIGURATION',
    'Every key of a configuration is a flag, too:',
    '.BR \\-\\-train.max_steps " 100."',
    '.B gpt config show',
    'prints all keys with their values; docs/config.md describes them.',
    '.SH EXIT STATUS',
    ...EXIT.flatMap(([code, what]) => ['.TP', `.B ${code}`, what]),
    '',
  ].join('\n');
}

// src/base/errors.ts
const EXIT: readonly [code: string, what: string][] = [
  ['0', 'done'],
  ['1', 'a bug, or numbers beyond the tolerances (parity, selftest)'],
  ['2', 'the command line or the configuration is wrong'],
  ['3', 'the backend or device is not there'],
  ['4', 'a file is missing, damaged, or not what it should be'],
  ['5', 'the loss or the gradient is no longer a finite number'],
  ['6', 'it does not fit into memory'],
  ['129, 130, 143', 'a signal stopped the run, after it had saved'],
];

function section(tree: CommandTree): string[] {
  const args = tree.args.flatMap(({ name, description }) =>
    description === '' ? [] : ['.TP', `.I ${roff(name)}`, roff(description)],
  );
  return [
    `.SS ${roff(tree.usage)}`,
    roff(tree.summary),
    ...args,
    ...tree.options.flatMap(option),
    ...(examples(tree).length > 0 ? ['.PP', 'Examples:', ...examples(tree)] : []),
  ];
}

const option = ({ flags, description, choices }: CommandTree['options'][number]): string[] => [
  '.TP',
  `.B ${roff(flags)}`,
  roff(choices.length > 0 ? `${description} (${choices.join(', ')})` : description),
];

/** The examples of a description, as they stand in the help. */
function examples({ description }: CommandTree): string[] {
  const [, lines] = description.split('\nExamples:\n');
  return lines === undefined ? [] : ['.PP', '.nf', ...lines.split('\n').map(roff), '.fi'];
}

/** Text that means nothing to roff: no escapes, no macros at the beginning of a line, a hyphen that can be copied. */
const roff = (text: string): string =>
  text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replace(/^[.]/, '\\&.');
