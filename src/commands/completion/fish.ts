// Completion for fish 3: one `complete` line for each thing that can stand somewhere.

import type { CompletedCommand, CompletedOption, Words } from './words.js';

/** The script; `commands`: the root first. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const paths = commands.slice(1).map(({ path }) => quoted(path));
  return `# Completion of gpt for fish, made by: gpt completion fish

function __gpt_at --description 'the command line has come to this command of gpt'
    set -l command gpt
    for word in (commandline -opc)[2..-1]
        switch "$command $word"
            case ${paths.join(' ')}
                set command "$command $word"
        end
    end
    test "$command" = "$argv"
end

complete -c gpt -e
complete -c gpt -f
${commands.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, commands, options, args, keys }: CompletedCommand): string[] {
  const here = `complete -c gpt -n '__gpt_at ${path}'`;
  return [
    ...commands.map(({ name, what }) => `${here} -a ${name} -d ${quoted(what)}`),
    ...args.map(wordsOf).map((words) => (words === '' ? '' : `${here}${words}`)),
    ...[...options, ...keys].map((option) => `${here} ${optionOf(option)}`),
  ].filter(Boolean);
}

function optionOf(option: CompletedOption): string {
  const names = option.names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = option.takes === 'nothing' ? '' : ` -r${wordsOf(option) || ' -f'}`;
  return `${names.join(' ')}${value} -d ${quoted(option.what)}`;
}

/** What `complete` offers: words and what is printed by functions in one list. */
function wordsOf({ words, files }: Words): string {
  if (files === 'all' && words.length === 0) return ' -F';
  const found = {
    ...{ none: '', all: '(__fish_complete_path (commandline -ct))' },
    ...{ folders: '(__fish_complete_directories (commandline -ct) "")', yaml: '(__fish_complete_suffix .yaml)' },
  }[files];
  const all = [...words, ...(found === '' ? [] : [found])].join(' ');
  return all === '' ? '' : ` -f -a ${quoted(all)}`;
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
