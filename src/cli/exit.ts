// How a command ends: any thrown value becomes text for stderr and an exit code. One format:
//
//   error: corpus.txt is empty
//     fix: give a text file of at least 129 tokens
//
// What is no GptError is a bug in gpt and says so. Stack traces are for --debug.

import { CommanderError } from 'commander';
import { GptError } from '../base/errors.js';
import { printable } from '../base/format.js';

/** Text for stderr (ends with \n; empty when everything has been said, as after --help) and exit code of an error. */
export function describeError(error: unknown, debug: boolean): { text: string; code: number } {
  if (error instanceof CommanderError) return usageError(error);
  const stack = debug && error instanceof Error && error.stack ? `${error.stack}\n` : '';
  if (error instanceof GptError && error.exitCode !== 1) {
    return { text: `${message(error.message, error.fix)}${stack}`, code: error.exitCode };
  }
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const advice = debug
    ? 'this is a bug in gpt; report it'
    : 'this is a bug in gpt; run again with --debug and report it';
  return { text: `internal error: ${what} (${advice})\n${stack}`, code: 1 };
}

/** Messages quote names out of files: no control character of theirs may reach the terminal. */
function message(what: string, fix: string): string {
  return `error: ${printable(what)}\n  fix: ${printable(fix)}\n`;
}

/** commander's "error: unknown option '--dat'\n(Did you mean --data?)" in our format; exit 0 for --help and --version. */
function usageError(error: CommanderError): { text: string; code: number } {
  if (error.exitCode === 0) return { text: '', code: 0 };
  const seeHelp = 'gpt --help, or --help after a command, shows what there is';
  if (error.code === 'commander.help') return { text: message('no command given', seeHelp), code: 2 };
  const [what = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const hint = rest
    .join(' ')
    .replace(/^\((.*)\)$/, '$1')
    .replace(/^Did/, 'did');
  return { text: message(what, hint || seeHelp), code: 2 };
}
