// Completion for zsh 5: a function for each command, on zsh's own _arguments.

import type { CompletedArgument, CompletedCommand, CompletedOption, Words } from './words.js';

/** The script; `commands`: the root first. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef gpt
# Completion of gpt for zsh, made by: gpt completion zsh

${commands.map(functionOf).join('\n')}
_gpt_yaml() {
  _files -g '*.(yaml|yml)(-.)'
}

if [[ $funcstack[1] == _gpt ]]; then
  _gpt "$@"
else
  compdef _gpt gpt
fi
`;
}

const nameOf = (path: string): string => `_${path.replaceAll(/[ -]/g, '_')}`;

function functionOf({ path, commands, options, args, keys }: CompletedCommand): string {
  const specs = [...options, ...keys].flatMap(optionSpecs);
  if (commands.length === 0) {
    const all = [...specs, ...args.map(argumentSpec)];
    const many = options.some(({ takes }) => takes === 'many') ? MANY : '';
    return `${nameOf(path)}() {
${many}  _arguments -s -S : \\
    ${all.join(' \\\n    ')}
}
`;
  }
  const list = commands.map(({ name, what }) => quoted(`${name}:${what.replaceAll(':', '\\:')}`));
  return `${nameOf(path)}() {
  local curcontext="$curcontext" state line ret=1
  typeset -A opt_args
  local -a commands
  commands=(
    ${list.join('\n    ')}
  )
  _arguments -C -s -S : \\
    ${specs.join(' \\\n    ')} \\
    '1:command:->command' \\
    '*::argument:->rest' && ret=0
  case $state in
    command) _describe -t commands command commands && ret=0 ;;
    rest)
      case $line[1] in
${commands.map(({ name }) => `        ${name}) ${nameOf(`${path} ${name}`)} && ret=0 ;;`).join('\n')}
      esac ;;
  esac
  return ret
}
`;
}

// An option of many values takes all words up to the next option; _arguments would not complete that one's name.
const MANY = `  local many='*-*:'
  [[ $PREFIX == -* ]] && many=
`;

function optionSpecs({ names, takes, value, what, ...words }: CompletedOption): string[] {
  const text = `[${what.replaceAll('\\', '\\\\').replaceAll('[', '\\[').replaceAll(']', '\\]')}]`;
  return names.map((name) => {
    const others = names.length > 1 ? `(${names.join(' ')})` : '';
    if (takes === 'nothing') return quoted(`${others}${name}${text}`);
    const long = name.startsWith('--') ? `${name}=` : name;
    const spec = quoted(`*${long}${text}:\0${value}:${action(words).replaceAll(':', '\\:')}`);
    return spec.replace('\0', takes === 'many' ? "'$many'" : '');
  });
}

const argumentSpec = ({ name, variadic, ...words }: CompletedArgument, i: number): string =>
  quoted(`${variadic ? '*' : i + 1}:${name}:${action(words)}`);

function action({ words, files }: Words): string {
  const list = words.length > 0 ? `(${words.join(' ')})` : '';
  const names = { none: '', all: '_files', folders: '_files -/', yaml: '_gpt_yaml' }[files];
  if (list !== '' && names !== '') return `_alternative "presets:preset:${list}" "files:file:${names}"`;
  return list || names || ' ';
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
