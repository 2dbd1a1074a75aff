// Where a run stands at a moment: what its log says, and whether the process that writes it is there.
//
//   the log ends with an end event      finished, interrupted, diverged, failed
//   it does not, and its lock is held   training; silent after three minutes without an event
//   the holder of the lock is gone      killed: a process that ends gives its lock back
//   there is no lock, or of elsewhere   training; silent, perhaps killed

import { duration } from '../../base/format.js';
import type { LockHolder } from '../../base/lock.js';
import type { RunRecord } from '../record.js';

export type Phase = 'waiting' | 'training' | 'silent' | 'finished' | 'interrupted' | 'diverged' | 'failed' | 'killed';

export interface State {
  readonly phase: Phase;
  /** In words, for the terminal and the bar. */
  readonly text: string;
}

/** Validations of large models and tasks in context take a while. */
export const SILENT_MS = 180_000;

const ENDS = { done: 'finished', interrupted: 'interrupted', diverged: 'diverged', failed: 'failed' } as const;

/** age: milliseconds since the last event. */
export function stateOf({ end }: RunRecord, holder: LockHolder | undefined, age: number): State {
  if (end !== null) {
    const time = end.seconds > 0 ? ` after ${duration(end.seconds)} of training` : '';
    return { phase: ENDS[end.reason], text: `${ENDS[end.reason]}${time}` };
  }
  if (holder?.running === false) {
    return { phase: 'killed', text: `killed: process ${holder.pid} is gone` };
  }
  if (age < SILENT_MS) return { phase: 'training', text: 'training' };
  const fate = holder?.running === true ? `process ${holder.pid} is there` : 'perhaps it was killed';
  return { phase: 'silent', text: `no event for more than ${SILENT_MS / 60_000} minutes; ${fate}` };
}
