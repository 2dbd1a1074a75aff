// The process: parses the command line, imports the chosen command, runs it, says what went wrong, exits.
//
//   argv -> program.ts -> ../commands/<command>.js: run(options, context) -> exit code
//
// Only commander is imported up front: `gpt --help` must not pay for TensorFlow.js. This is the one place that reads
// process.env and owns stdout and stderr; commands get them as a CommandContext.

import { readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';
import { CommanderError } from 'commander';
import type { Reporter } from '../base/events.js';
import type { CommandContext, GlobalOptions, Run } from '../commands/options.js';
import { describeError } from './exit.js';
import { standardInput } from './input.js';
import { createProgram } from './program.js';

const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** The process: parses argv, runs, reports errors, exits. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.stdout.on('error', quietPipe);
  process.stderr.on('error', quietPipe);
  let debug = argv.includes('--debug'); // for errors of the parser itself
  const opened: Reporter[] = [];
  const fail = async (error: unknown): Promise<never> => {
    await Promise.allSettled(opened.map((reporter) => reporter.close()));
    const { text, code } = describeError(error, debug);
    return leave(code, text);
  };
  process.on('uncaughtException', (error) => void fail(error));
  process.on('unhandledRejection', (error) => void fail(error));
  try {
    let code = 0;
    const program = createProgram(VERSION, async (name, options) => {
      debug = options.debug;
      const { run } = (await import(`../commands/${name}.js`)) as { run: Run<typeof options> };
      code = await run(options, commandContext(options, argv, opened));
    });
    await program.parseAsync(argv.length > 0 ? argv : ['--help'], { from: 'user' });
    await Promise.all(opened.map((reporter) => reporter.close()));
    await leave(code, '');
  } catch (error) {
    await fail(await withConfigHint(error, argv));
  }
}

/** Waits until everything written has left, then exits, whatever threads a backend still holds. */
async function leave(code: number, message: string): Promise<never> {
  await new Promise((done) => process.stderr.write(message, done));
  await new Promise((done) => process.stdout.write('', done));
  process.exit(code);
}

/**
 * The reader of a pipe has gone (gpt ... | head), or the terminal has been closed (EIO). A run in training saves first, as
 * on SIGTERM; others just end.
 */
function quietPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  if (process.listenerCount('SIGTERM') > 0) {
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {});
    process.kill(process.pid, 'SIGTERM');
  } else process.exit(0);
}

/** How the user called us: "gpt" where it is linked, "npx tfgpt" by npx, "node bin/gpt.js" from a clone. */
function programName(): string {
  const script = process.argv[1] ?? 'gpt';
  if (basename(script) === 'gpt.js') return `node ${relative(process.cwd(), script)}`;
  return process.env['npm_command'] === 'exec' ? `npx ${basename(script)}` : 'gpt';
}

function commandContext(options: GlobalOptions, argv: readonly string[], opened: Reporter[]): CommandContext {
  const { stdout, stderr, env } = process;
  const isTty = stdout.isTTY === true;
  const color = wantsColor(options.color, isTty, env);
  const err = (text: string): void => void stderr.write(text);
  return {
    out: (text) => void stdout.write(text),
    err,
    reporter: async () => {
      const { terminalReporter } = await import('./terminal.js');
      const reporter = terminalReporter({
        out: stdout,
        err: stderr,
        color,
        quiet: options.quiet,
        json: options.json,
        program: programName(),
      });
      opened.push(reporter);
      return reporter;
    },
    showEvaluation: async (record, { plot, ...about }) => {
      const [{ evalEnd, evalPlot }, { figuresOf }, { painter }] = await Promise.all([
        import('./eval_text.js'),
        import('../base/eval_figures.js'),
        import('./block.js'),
      ]);
      const look = { columns: stdout.columns || 80, paint: painter(color) };
      const { by_shots, by_size } = figuresOf(record);
      for (const panel of plot ? [by_shots[0], by_size[0]] : []) {
        if (panel) stdout.write(`\n${evalPlot(panel, { ...look, unicode: isTty })}`);
      }
      stdout.write(`\n${evalEnd(record, { ...look, program: programName(), ...about })}`);
    },
    isTty,
    columns: stdout.columns || 80,
    color,
    env: Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('GPT_'))),
    argv,
    stdin: standardInput(process, err),
    program: programName(),
    version: VERSION,
  };
}

/** --color, then NO_COLOR (https://no-color.org), then FORCE_COLOR, then whether it is a terminal that can. */
export function wantsColor(
  choice: GlobalOptions['color'],
  isTty: boolean,
  env: { NO_COLOR?: string | undefined; FORCE_COLOR?: string | undefined; TERM?: string | undefined },
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTty && env.TERM !== 'dumb';
}

/** `--max_steps 100` for pretrain and finetune: commander knows no such option, the config may know the key. */
async function withConfigHint(error: unknown, argv: readonly string[]): Promise<unknown> {
  if (!(error instanceof CommanderError) || error.code !== 'commander.unknownOption') return error;
  const name = /unknown option '--([\w-]+)/.exec(error.message)?.[1];
  const command = ['pretrain', 'finetune'].find((word) => argv.includes(word));
  if (name === undefined || command === undefined || error.message.includes('Did you mean')) return error;
  const { keyHint } = await import('../config/spelling.js');
  const { FINETUNE_KEYS, PRETRAIN_KEYS } = await import('../config/keys.js');
  const hint = keyHint(name, command === 'finetune' ? FINETUNE_KEYS : PRETRAIN_KEYS);
  const text = hint
    ? `${error.message}\n${hint} (config keys are flags with their section: --train.max_steps 100)`
    : error.message;
  return new CommanderError(error.exitCode, error.code, text);
}
