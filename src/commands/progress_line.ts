// A line on the terminal that replaces itself while something long goes on; elsewhere one from time to time, for logs.

import type { CommandContext } from './options.js';

const LINE_MS = 100;
const LOG_MS = 30_000;

export class ProgressLine {
  readonly #context: Pick<CommandContext, 'err' | 'isTty' | 'columns'>;
  readonly #isSilent: boolean;
  readonly #started = performance.now();
  #shown = 0;

  constructor(context: Pick<CommandContext, 'err' | 'isTty' | 'columns'>, { silent = false } = {}) {
    this.#context = context;
    this.#isSilent = silent;
  }

  /** Shows a text, unless the last one is too recent. seconds: since the line was made. */
  show(textOf: (seconds: number) => string): void {
    const now = performance.now();
    const { isTty, columns, err } = this.#context;
    if (this.#isSilent || now - Math.max(this.#shown, isTty ? 0 : this.#started) < (isTty ? LINE_MS : LOG_MS)) return;
    this.#shown = now;
    const text = textOf((now - this.#started) / 1000);
    err(isTty ? `\r\x1b[K${text.slice(0, columns - 1)}` : `${text}\n`);
  }

  /** Removes it from the terminal. */
  clear(): void {
    if (this.#context.isTty && this.#shown > 0) this.#context.err('\r\x1b[K');
  }
}
