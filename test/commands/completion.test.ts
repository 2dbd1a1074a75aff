// gpt completion: the scripts in their shells. Each line of a table is a command line with the cursor at its end, and what
// the shell offers there; zsh and fish where they are installed.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { run } from '../../src/commands/completion.js';
import type { CommandContext, CompletionOptions } from '../../src/commands/options.js';

/** What a command line prints. */
async function gpt(...line: string[]): Promise<string> {
  const printed: string[] = [];
  const context = { out: (text: string) => void printed.push(text), version: '1.2.3' } as unknown as CommandContext;
  const program = createProgram('1.2.3', async (_, options) => {
    expect(await run(options as CompletionOptions, context)).toBe(0);
  });
  await program.parseAsync(['completion', ...line], { from: 'user' });
  return printed.join('');
}

// A folder with things that a command line may name.
const dir = mkdtempSync(join(tmpdir(), 'gpt-completion-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
mkdirSync(join(dir, 'runs'));
for (const name of ['my.yaml', 'mother.txt', 'two words.txt']) writeFileSync(join(dir, name), '');
const scripts: Record<string, string> = {};
for (const shell of ['bash', 'zsh', 'fish']) {
  scripts[shell] = join(dir, `script.${shell}`);
  writeFileSync(scripts[shell], await gpt(shell));
}

const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

function shell(name: string, code: string, ...args: string[]): string {
  const flags = { bash: ['--norc', '-c'], zsh: ['-f', '-c'], fish: ['--no-config', '-c'] }[name]!;
  const { stdout, stderr, status } = spawnSync(name, [...flags, code, ...args], {
    cwd: dir,
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, TERM: 'xterm', HOME: dir },
  });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout;
}

// Of every shell: what one TAB makes of a line, the only thing that fits.
const ONE: readonly [line: string, whole: string][] = [
  ['gpt pl', 'plan'],
  ['gpt plan gpt3-17', 'gpt3-175b'],
  ['gpt plan my', 'my.yaml'],
  ['gpt pretrain --ba', '--backend'],
  ['gpt pretrain --backend na', 'native'],
  ['gpt pretrain --backend=na', 'native'],
  ['gpt pretrain --train.max_st', '--train.max_steps'],
  ['gpt pretrain --train.optimizer o', 'openai-adam'],
  ['gpt pretrain --train.optimizer=o', 'openai-adam'],
  ['gpt pretrain --train.recompute t', 'true'],
  ['gpt pretrain --train.seed 5 gpt2-1', 'gpt2-1'], // 124m and 1558m
  ['gpt pretrain --data a b --ou', '--out'],
  ['gpt pretrain --data a mot', 'mother.txt'],
  ['gpt finetune runs/x rt', 'rte'],
  ['gpt finetune runs/x --finetune.task ent', 'entailment'],
  ['gpt finetune --lora.r 8 ru', 'runs'],
  ['gpt config show st', 'stsb'],
  ['gpt data im', 'import'],
  ['gpt generate x --prompt plan --te', '--temperature'],
  ['gpt generate ru', 'runs'],
  ['gpt export x --format pe', 'peft'],
  ['gpt bench --model mi', 'mini'],
  ['gpt help conf', 'config'],
  ['gpt completion ba', 'bash'],
  ['gpt --color al', 'always'],
  ['gpt --color always pla', 'plan'],
];

describe('bash', () => {
  // As bash calls it: = is a word of its own.
  const offered = (line: string): string[] => {
    const words = line.split(/ |(=)/).filter((word) => word !== undefined);
    const code = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gpt; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return shell('bash', code, scripts['bash']!, ...words)
      .split('\n')
      .filter(Boolean);
  };

  test.each(ONE)('%s', (line, whole) => {
    const found = offered(line);
    if (whole === line.split(' ').at(-1)) expect(found).toEqual(['gpt2-124m', 'gpt2-1558m']);
    else expect(found).toEqual([whole]);
  });

  test('lists what can stand somewhere', () => {
    expect(offered('gpt ')).toEqual(expect.arrayContaining(['pretrain', 'plan', 'config', 'completion', 'help']));
    expect(offered('gpt data ')).toEqual(expect.arrayContaining(['import', 'get', 'list']));
    expect(offered('gpt config show ')).toEqual(expect.arrayContaining(['mini', 'rte', 'runs', 'my.yaml']));
    expect(offered('gpt config show ')).not.toContain('mother.txt');
    expect(offered('gpt finetune runs ')).not.toContain('mini'); // a preset of pretraining
    const options = offered('gpt pretrain --');
    expect(options).toEqual(expect.arrayContaining(['--data', '--out', '--json', '--help', '--model.', '--train.']));
    expect(options).not.toContain('--train.seed'); // there are too many
    expect(options).not.toContain('--prompt'); // of another command
    expect(offered('gpt pretrain --train.')).toEqual(expect.arrayContaining(['--train.seed', '--train.betas']));
    expect(offered('gpt generate x --train.')).toEqual([]);
  });

  test('nothing where any number or text may stand; names with spaces are whole', () => {
    expect(offered('gpt generate x --temperature ')).toEqual([]);
    expect(offered('gpt pretrain --train.seed ')).toEqual([]);
    expect(offered('gpt doctor ')).toEqual([]);
    expect(offered('gpt pretrain --data two')).toEqual(['two words.txt']);
  });

  test('is registered for gpt, and needs nothing newer than bash 3.2', () => {
    expect(shell('bash', 'source "$0"; complete -p gpt', scripts['bash']!)).toBe('complete -F _gpt gpt\n');
    expect(shell('bash', 'cat "$0"', scripts['bash']!)).not.toMatch(/mapfile|readarray|declare -A|\$\{\w+,,\}/);
  });
});

describe.skipIf(!has('fish'))('fish, where it is installed', () => {
  const offered = (lines: readonly string[]): string[][] => {
    const code = `source $argv[1]; for line in $argv[2..-1]; echo (complete -C $line | string join \\x1f); end`;
    const out = shell('fish', code, scripts['fish']!, ...lines).trimEnd();
    return out.split('\n').map((line) => line.split('\u001f').map((found) => found.split('\t')[0]!));
  };

  test('completes the same lines', () => {
    const found = offered(ONE.map(([line]) => line));
    for (const [i, [line, whole]] of ONE.entries()) {
      if (whole === line.split(' ').at(-1)) continue;
      const option = /(--[\w.]+=)[^ ]*$/.exec(line)?.[1] ?? '';
      expect
        .soft(
          found[i]!.map((name) => name.replace(/\/$/, '')),
          line,
        )
        .toContain(option + whole);
    }
  });

  test('lists commands, and only what can stand there', () => {
    const [all, numbers, values] = offered(['gpt ', 'gpt generate x --temperature ', 'gpt pretrain --backend ']);
    expect(all).toEqual(expect.arrayContaining(['pretrain', 'plan', 'config']));
    expect(all).not.toContain('mother.txt');
    expect(numbers).toEqual(['']);
    expect(values).toEqual(['auto', 'cpu', 'cuda', 'native', 'tensorflow', 'wasm', 'webgpu']);
  });
});

describe.skipIf(!has('zsh'))('zsh, where it is installed', () => {
  test('completes the same lines, as typed on a terminal', () => {
    // A key shows what the line has become; the words of the marks are split so that their echo is none.
    const code = `
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z "PS1=; PROMPT_EOL_MARK=; autoload -U compinit; compinit -u -D; source $1"
zpty -w z 'show() { print -r -- "<"":$BUFFER:>"; BUFFER= }; zle -N show; bindkey "^T" show; setopt no_beep; print re""ady'
zpty -r z out '*ready*'
shift
for line in "$@"; do
  zpty -n -w z "$line"$'\\t\\C-t'
  zpty -r z out '*<:*:>*'
  print -r -- "\${\${out##*<:}%%:>*}"
done
zpty -d z`;
    const lines = shell('zsh', code, 'zsh', scripts['zsh']!, ...ONE.map(([line]) => line))
      .trimEnd()
      .split('\n');
    const ended = (line: string): string => line.replace(/[ /=]$/, '');
    for (const [i, [line, whole]] of ONE.entries()) {
      const kept = line.replace(/[^ =]*$/, '');
      expect.soft(ended(lines[i]!), line).toBe(kept + whole);
    }
  });
});

test.skipIf(!has('zsh'))('zsh, where it is installed: a file of $fpath', () => {
  const code = `fpath=(${dir}/fpath $fpath); autoload -U compinit; compinit -u -D; print $_comps[gpt]`;
  mkdirSync(join(dir, 'fpath'));
  spawnSync('cp', [scripts['zsh']!, join(dir, 'fpath', '_gpt')]);
  expect(shell('zsh', code)).toBe('_gpt\n');
});

describe('the manual page', () => {
  test('names every command and option', async () => {
    const page = await gpt('man');
    const program = createProgram('1.2.3', async () => {});
    for (const command of program.commands) {
      expect(page).toContain(`gpt ${command.name()} `);
      for (const { flags } of command.options) expect(page).toContain(`.B ${flags.replaceAll('-', '\\-')}\n`);
    }
    expect(page).toMatch(/^\.TH GPT 1 "" "gpt 1\.2\.3" "User Commands"\n\.SH NAME\ngpt \\- train, /);
  });

  test.skipIf(!has('groff'))('is set without a warning, where groff is installed', async () => {
    const { stderr, stdout } = spawnSync('groff', ['-man', '-ww', '-Tutf8'], { input: await gpt('man') });
    expect(String(stderr)).toBe('');
    expect(String(stdout)).toContain('gpt plan configs/gpt3');
  });
});
