// How a command learns that it must stop: SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal was closed), or, in a run, a
// failure of its own.
//
// A run: the first signal lets the step end and the run save; the exit code is 128 + the signal's number (130, 143, 129). The
// second one exits at once. A command that writes one new file or folder removes what it has of it and exits.

import { constants } from 'node:os';
import { discard } from '../base/files.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Tells a run to stop. */
export interface Stop {
  /** Aborted: finish the step, save, return. */
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /** Of the process: 128 + the signal's number, 0 without a signal. */
  readonly exitCode: () => number;
  /** Takes the handlers of the signals away. */
  readonly release: () => void;
}

/** Listens to the signals from now on. `say` tells the user `what` follows. */
export function stopOnSignals(say: (text: string) => void, what = 'finishing the step and saving'): Stop {
  const controller = new AbortController();
  let exitCode = 0;
  let stoppedAt = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    const code = 128 + constants.signals[signal];
    // npm, timeout(1) and batch schedulers deliver one signal twice: only a later one is the user's second word
    if (exitCode !== 0 && performance.now() - stoppedAt < 1000) return;
    if (exitCode !== 0) process.exit(code);
    stoppedAt = performance.now();
    exitCode = code;
    say(`\n${signal}: ${what}; once more to exit at once\n`);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    exitCode: () => exitCode,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

/** The same for a caller that looks after the process itself: stops when `signal` is aborted. */
export function stopOnAbort(signal: AbortSignal): Stop {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  const release = (): void => signal.removeEventListener('abort', abort);
  return { signal: controller.signal, abort, exitCode: () => 0, release };
}

/** Writes the new file or folder `out` (base/files.ts): a signal meanwhile leaves nothing of it, and ends the process. */
export async function discardOnSignals(out: string, write: () => Promise<void>): Promise<void> {
  const onSignal = (signal: NodeJS.Signals): void => {
    discard(out);
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    await write();
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
