// Completion for bash 3.2 and newer: a function that walks over the words before the cursor, and looks up in tables what
// can stand next. `=` is a word of its own there (COMP_WORDBREAKS).

import type { CompletedCommand, CompletedOption, Words } from './words.js';

/** The script; `commands`: the root first. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const names = (options: readonly CompletedOption[]) => options.flatMap((option) => option.names);
  const taking = (takes: CompletedOption['takes']) =>
    commands.flatMap(({ path, options }) =>
      names(options.filter((option) => option.takes === takes)).map((name) => `${path} ${name}`),
    );
  const withKeys = commands.filter(({ keys }) => keys.length > 0);
  const values = new Map<string, Words>(); // by pattern: what completes differently under different commands has one each
  for (const { path, options, keys } of commands) {
    for (const option of [...options, ...keys]) {
      for (const name of option.names) if (hasWords(option)) values.set(`${path} ${name}`, option);
    }
  }
  return `# Completion of gpt for bash, made by: gpt completion bash

_gpt() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command=gpt option= takes= position=0 i word words=
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      =) ;;
      -*) _gpt_takes "$command $word"; option=\${takes:+$word} ;;
      *)
        if [[ -n $option ]]; then
          [[ $takes == many ]] || option=
        elif _gpt_is_command "$command $word"; then
          command="$command $word"
        else
          ((position++))
        fi ;;
    esac
  done
  [[ $cur == = ]] && cur=
  if [[ $cur == -* && ( -z $option || $takes == many ) ]]; then
    _gpt_options
    _gpt_words "$words"
    if [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *. ]]; then compopt -o nospace 2>/dev/null; fi
  elif [[ -n $option ]]; then
    _gpt_value "$command $option"
  else
    _gpt_argument "$command" "$position"
  fi
}

_gpt_words() {
  local word
  for word in $1; do
    if [[ $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
  done
}

_gpt_files() { # options of compgen
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen "$@" -- "$cur")
}

_gpt_is_command() {
  case $1 in
${block(
  commands.slice(1).map(({ path }) => path),
  'return 0',
)}
  esac
  return 1
}

_gpt_takes() { # sets takes: nothing, one, or many values
  takes=
  case $1 in
${block(taking('many'), 'takes=many')}
${block([...taking('one')], 'takes=one')}
    *' --'[a-zA-Z]*.*) takes=one ;;
  esac
}

_gpt_options() { # sets words
  case $command in
${commands.map(({ path, options }) => `    '${path}') words='${names(options).join(' ')}' ;;`).join('\n')}
  esac
  case $command in
${withKeys
  .map(
    ({ path, keys }) => `    '${path}')
      if [[ $cur == --*.* ]]; then
        words='${names(keys).join(' ')}'
      else
        words="$words ${sections(names(keys)).join(' ')}"
      fi ;;`,
  )
  .join('\n')}
  esac
}

_gpt_value() {
  case $1 in
${grouped([...values])}
  esac
}

_gpt_argument() { # command, how many arguments stand before
  case "$1 $2" in
${commands
  .flatMap(({ path, commands: below, args }) => [
    ...(below.length > 0 ? [`    '${path} 0') _gpt_words '${below.map(({ name }) => name).join(' ')}' ;;`] : []),
    ...args.filter(hasWords).map((arg) => `    '${path} '${arg.variadic ? '*' : args.indexOf(arg)}) ${action(arg)} ;;`),
  ])
  .join('\n')}
  esac
}

complete -F _gpt gpt
`;
}

const hasWords = ({ words, files }: Words): boolean => words.length > 0 || files !== 'none';

/** "--model." of "--model.n_layer" */
const sections = (keys: readonly string[]): string[] => [...new Set(keys.map((key) => key.replace(/\..*/, '.')))];

const block = (patterns: readonly string[], then: string): string =>
  patterns.length === 0 ? '' : `    ${patterns.map((pattern) => `'${pattern}'`).join(' | \\\n    ')}) ${then} ;;`;

/** Cases that do the same, as one; a pattern for all commands where an option is the same in each. */
function grouped(values: readonly (readonly [pattern: string, words: Words])[]): string {
  const by = new Map<string, string[]>();
  for (const [pattern, words] of values) by.set(action(words), [...(by.get(action(words)) ?? []), pattern]);
  return [...by].map(([then, patterns]) => block(patterns, then)).join('\n');
}

function action({ words, files }: Words): string {
  const some = words.length > 0 ? [`_gpt_words '${words.join(' ')}'`] : [];
  if (files === 'all') some.push('_gpt_files -f');
  if (files === 'folders') some.push('_gpt_files -d');
  if (files === 'yaml') some.push("_gpt_files -d; _gpt_files -f -X '!*.yaml'; _gpt_files -f -X '!*.yml'");
  return some.join('; ');
}
