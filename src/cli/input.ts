// Standard input: a text that was piped in, or lines that a user types.
//
//   text    echo "Once" | gpt generate RUN: everything up to the end, without the last line end
//   lines   gpt generate RUN --interactive: node:readline with history, on a terminal only
//
// Piped means a pipe, a file or a socket. /dev/null and a closed descriptor, as cron and CI give them, are not.

import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ConfigError, DataError } from '../base/errors.js';
import type { StandardInput, TypedLines } from '../commands/options.js';

const MOST_BYTES = 16 << 20; // more than any context holds
const SILENCE_MS = 2000;

/** process.stdin as commands see it; err: where to say that we wait. */
export function standardInput(process: NodeJS.Process, err: (text: string) => void): StandardInput {
  let text: Promise<string> | undefined;
  return {
    get isPiped() {
      return isPiped(0);
    },
    text: () => {
      text ??= readAll(process.stdin, err);
      return text;
    },
    lines: () => {
      if (process.stdin.isTTY && process.stdout.isTTY) return typedLines(process.stdin, process.stdout, process);
      throw new ConfigError(
        '--interactive needs a terminal for its input and output',
        'without one, give the text with --prompt, or pipe it: echo "Once" | gpt generate ...',
      );
    },
  };
}

function isPiped(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isFile() || stats.isSocket();
  } catch {
    return false;
  }
}

/** The whole of a stream, without its last line end. Throws DataError for what is no UTF-8, or too long. */
export async function readAll(
  stream: NodeJS.ReadableStream & { readonly isTTY?: boolean },
  err: (text: string) => void,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // A pipe that nobody writes to and nobody closes looks like a hang: say what we wait for.
  const note = setTimeout(() => err('reading standard input up to its end\n'), stream.isTTY ? 0 : SILENCE_MS);
  try {
    for await (const chunk of stream) {
      clearTimeout(note);
      chunks.push(Buffer.from(chunk));
      size += chunks.at(-1)!.length;
      if (size > MOST_BYTES) throw new DataError('standard input has more than 16 MiB', 'pipe in a shorter text');
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(`standard input cannot be read (${(error as Error).message})`, 'pipe in a text');
  } finally {
    clearTimeout(note);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  } catch {
    throw new DataError(
      'standard input is not valid UTF-8',
      'convert it: ... | iconv -f ISO-8859-1 -t UTF-8 | gpt ...',
    );
  }
}

/** Lines typed at a terminal. While none is asked for, the terminal is in its usual mode, so that Ctrl-C is a signal. */
export function typedLines(
  input: NodeJS.ReadStream,
  output: NodeJS.WritableStream,
  process: Pick<NodeJS.Process, 'on' | 'off'>,
): TypedLines {
  const reader = createInterface({ input, output, terminal: true });
  const early: string[] = []; // of a pasted text, all lines after the first
  let closed = false;
  let stop: AbortController | undefined; // of the work that is running
  let listening = false;
  let answer: ((line: string | undefined) => void) | undefined;
  const onSignal = (): void => (stop ? stop.abort() : reader.close());
  const rest = (): void => {
    if (closed) return;
    reader.pause();
    input.setRawMode(false);
  };
  const give = (line: string | undefined): void => {
    const waiting = answer;
    answer = undefined;
    waiting?.(line);
  };
  reader.on('line', (line) => {
    if (answer) give(line);
    else early.push(line);
  });
  reader.on('SIGINT', () => reader.close());
  reader.on('close', () => {
    closed = true;
    process.off('SIGINT', onSignal);
    give(undefined);
  });
  rest();
  return {
    ask: async (prompt) => {
      if (early.length > 0) return early.shift();
      if (closed) return undefined;
      input.setRawMode(true);
      reader.setPrompt(prompt);
      reader.prompt();
      const line = await new Promise<string | undefined>((resolve) => {
        answer = resolve;
      });
      rest();
      return line;
    },
    interruptible: async (work) => {
      stop = new AbortController();
      if (!listening) process.on('SIGINT', onSignal); // up to the end: a second Ctrl-C comes right after the work
      listening = true;
      try {
        return await work(stop.signal);
      } finally {
        stop = undefined;
      }
    },
    close: () => reader.close(),
  };
}
