// How a command ends: any thrown value becomes text for stderr and an exit code. One format:
//
//   error: corpus.txt is empty
//     fix: give a text file of at least 129 tokens
//
// What is no GptError is a bug in gpt and says so. Stack traces are for --debug.

import { CommanderError } from 'commander';
import { GptError, MemoryError } from '../base/errors.js';
import { printable } from '../base/format.js';

/** Text for stderr (ends with \n; empty when everything has been said, as after --help) and exit code of an error. */
export function describeError(thrown: unknown, debug: boolean): { text: string; code: number } {
  if (thrown instanceof CommanderError) return usageError(thrown);
  const error = outOfMemory(thrown) ?? thrown;
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

// V8's, where an array does not fit: the system refuses the memory, or the length is beyond what an array can have.
// (A shorter length is that of a view which its buffer is too small for: a bug.)
const NO_MEMORY =
  /^Array buffer allocation failed$|^Invalid array buffer length$|^Invalid typed array length: \d{10,}$/;

/** Any array may be the one that does not fit, so nobody else looks out for this error. */
function outOfMemory(error: unknown): MemoryError | undefined {
  if (!(error instanceof RangeError && NO_MEMORY.test(error.message))) return undefined;
  const memory = new MemoryError(
    `there is not enough memory (${error.message})`,
    'end other programs, raise the limit (ulimit -v, or that of the container), or use a smaller model or batch',
  );
  if (error.stack) memory.stack = error.stack;
  return memory;
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
