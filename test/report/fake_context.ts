// What a command is given by the terminal, with what it writes kept.

import type { CommandContext } from '../../src/commands/options.js';

/** A context, and the pieces of its stdout. */
export function fakeContext(): { context: CommandContext; written: string[] } {
  const written: string[] = [];
  const context: CommandContext = {
    out: (text) => void written.push(text),
    err: () => {},
    reporter: () => Promise.reject(new Error('not needed')),
    showEvaluation: async () => {},
    isTty: false,
    columns: 80,
    color: false,
    env: {},
    argv: [],
    version: '0',
    program: 'gpt',
    stdin: {
      isPiped: false,
      text: async () => '',
      lines: () => {
        throw new Error('not needed');
      },
    },
  };
  return { context, written };
}
