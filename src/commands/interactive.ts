// `gpt generate CHECKPOINT --interactive`: a loop of typed prompts and continuations that appear as they grow.
//
// Every line is a prompt of its own: these models continue a text, they do not converse. The k-th prompt (from 0) draws
// with seed + k, so that asking twice gives two texts, and each can be had again with `gpt generate --seed`.

import { GptError } from '../base/errors.js';
import { integer, printable } from '../base/format.js';
import type { Generated } from '../generate/engine.js';
import type { TypedLines } from './options.js';

/** What the loop needs. */
export interface PromptLoopOptions {
  readonly lines: TypedLines;
  readonly out: (text: string) => void;
  /** What is being talked to and how, a few lines; '' shows neither these nor the counts after a text. */
  readonly title: string;
  readonly seed: number;
  /** Continues a prompt. */
  readonly write: (
    prompt: string,
    seed: number,
    onText: (text: string) => void,
    signal: AbortSignal,
  ) => Promise<Generated>;
}

const HELP = `Type a beginning and press Enter: the model goes on from it. Each line stands
for itself; an empty one begins a text from nothing. Ctrl-C stops a text,
Ctrl-D or /quit leaves, /help shows this.
`;

/** Runs until the user leaves. */
export async function promptLoop({ lines, out, title, seed, write }: PromptLoopOptions): Promise<void> {
  if (title !== '') out(`${title}\n${HELP}`);
  for (let turn = 0; ; ) {
    out('\n');
    const prompt = await lines.ask('> ');
    if (prompt === undefined) out('\n'); // the cursor is still behind the "> "
    if (prompt === undefined || prompt === '/quit') return;
    if (prompt === '/help') out(HELP);
    else if (await answered(prompt, seed + turn)) turn++;
  }

  /** False when the prompt was refused: it is too long, or has a character that the tokenizer lacks. */
  async function answered(prompt: string, turnSeed: number): Promise<boolean> {
    let before = prompt; // waits for the first text: a refused prompt is not repeated
    const onText = (text: string): void => {
      out(printable(before + text));
      before = '';
    };
    const started = performance.now();
    try {
      const { tokens, finish } = await lines.interruptible((signal) => write(prompt, turnSeed, onText, signal));
      const rate = (1000 * tokens) / (performance.now() - started);
      out(`${printable(before)}\n`);
      if (title !== '') out(`[${integer(tokens)} tokens, ${rate.toFixed(0)} tokens/s, seed ${turnSeed}, ${finish}]\n`);
      return true;
    } catch (error) {
      if (!(error instanceof GptError) || error.exitCode === 1) throw error;
      out(`error: ${error.message}\n  fix: ${error.fix}\n`);
      return false;
    }
  }
}
