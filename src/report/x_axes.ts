// What stands on the x axis of a chart over a run: updates, tokens, or training time. Charts are made of points by step;
// each axis knows where a step lies on it.
//
//   time   sum of step_ms up to the step: without validations, saves and pauses

import { integer } from '../base/format.js';
import { tick } from './numbers.js';
import type { RunRecord } from './record.js';

type Steps = RunRecord['steps'];

/** One of the three. */
export interface XAxis {
  readonly id: 'step' | 'tokens' | 'time';
  /** Beside the button that chooses it. */
  readonly name: string;
  /** Below the axis, with its unit. */
  readonly label: string;
  /** NaN where the run has no such step. */
  readonly place: (step: number) => number;
  readonly format: (x: number) => string;
  readonly fraction: boolean;
}

/** The axes of a run; `longest`: seconds that the time axis must cover, which choose its unit. */
export function xAxes(steps: Steps, longest = trainingSeconds(steps)): readonly [XAxis, XAxis, XAxis] {
  const seconds: number[] = [];
  for (const s of steps) seconds.push((seconds.at(-1) ?? 0) + s.step_ms / 1000);
  const [unit, size] = timeUnit(longest);
  const at = (step: number, of: (index: number) => number): number => {
    const index = lastUpTo(steps, step);
    return index < 0 ? Number.NaN : of(index);
  };
  return [
    { id: 'step', name: 'step', label: 'step', place: (step) => step, format: tick, fraction: false },
    {
      id: 'tokens',
      name: 'tokens',
      label: 'tokens trained on',
      place: (step) => at(step, (i) => steps[i]!.tokens),
      format: tick,
      fraction: false,
    },
    {
      id: 'time',
      name: 'time',
      label: `training time, ${unit}`,
      place: (step) => at(step, (i) => seconds[i]! / size),
      format: tick,
      fraction: true,
    },
  ];
}

const UNITS = [
  ['days', 86_400],
  ['hours', 3600],
  ['minutes', 60],
  ['seconds', 1],
] as const;

/** In which so many seconds are two or more, and its seconds. */
export const timeUnit = (longest: number): readonly [name: string, seconds: number] =>
  UNITS.find(([, s]) => longest >= 2 * s) ?? UNITS.at(-1)!;

/** Of all steps together. */
export const trainingSeconds = (steps: Steps): number => steps.reduce((sum, s) => sum + s.step_ms, 0) / 1000;

/** Index of the last step that is not after this one; -1: there is none. */
function lastUpTo(steps: Steps, step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]!.step <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** About `n` places of a list, evenly spaced, with its first and last. */
export function evenly<T>(list: readonly T[], n: number): T[] {
  if (list.length <= n) return [...list];
  return Array.from({ length: n }, (_, i) => list[Math.round((i * (list.length - 1)) / (n - 1))]!);
}

/** step 1,100 */
export const stepText = (step: number): string => `step ${integer(step)}`;
