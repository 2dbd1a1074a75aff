// The outside world of a command that a program calls: silent, without a terminal.

import { readFileSync } from 'node:fs';
import { ConfigError } from '../base/errors.js';
import type { RunEvent } from '../base/events.js';
import type { BackendName, CommandContext } from '../commands/options.js';

/** Where to compute. */
export interface Compute {
  /** By default the fastest there is. The last one that was opened is the process's. */
  readonly backend?: BackendName;
  /** CPU threads; by default as many as there are cores. The first value that a process gives stays. */
  readonly threads?: number;
  /** Which GPU, from 0. */
  readonly device?: number;
}

/** Options that every command that computes has. */
export const computeOptions = ({ backend = 'auto', threads, device }: Compute) => ({
  ...({ debug: false, quiet: true, json: true, color: 'never' } as const),
  backend,
  threads,
  device,
});

/** GPT_THREADS and the like, as the command line takes them. */
export const environment = (): CommandContext['env'] =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('GPT_')));

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** What the command hears and says. `argv`: the same on the command line, for the log. */
export function silentContext(o: {
  readonly argv: readonly string[];
  readonly out?: (text: string) => void;
  readonly onEvent?: (event: RunEvent) => void;
  readonly signal?: AbortSignal | undefined;
}): CommandContext {
  const silence = (): void => {};
  return {
    out: o.out ?? silence,
    err: silence,
    reporter: async () => ({ on: o.onEvent ?? silence, close: async () => {} }),
    showEvaluation: async () => {},
    isTty: false,
    columns: 80,
    color: false,
    env: environment(),
    argv: o.argv,
    stdin: {
      isPiped: false,
      text: async () => '',
      lines: () => {
        throw new ConfigError('there is nobody to ask', 'give a prompt');
      },
    },
    program: 'gpt',
    version,
    signal: o.signal ?? new AbortController().signal,
  };
}

let last: Promise<unknown> = Promise.resolve();

/** Runs one command after the other: a process has one backend, and one memory. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work, work);
  last = mine.catch(() => {});
  return mine;
}
