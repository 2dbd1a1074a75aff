// Standard errors by bootstrap (Efron 1979), drawn as lm-evaluation-harness draws: the same numbers to the last digits.
//
// The statistic of N documents drawn with replacement, 100,000 times; the standard deviation (n - 1) of these is the
// error. Every 1000 draws begin with a new random.Random, seeded 0, 1, 2 ..
//
// One number takes 11 ns, so LAMBADA's 5,153 documents 6 s. Beyond 600 million numbers (6,000 documents) fewer draws are
// made, and the results say so: 10,000 draws give an error to 0.7 %.

import { PythonRandom } from '../harness/python_random.js';
import { type OfDrawn, sampleDeviation } from './aggregation.js';

const CHUNK = 1000;
const MOST_NUMBERS = 600e6;

/** lm-evaluation-harness's bootstrap_iters. */
export const BOOTSTRAP_ITERATIONS = 100_000;

/** The draws that are made of n documents when nobody says how many. */
export const usualIterations = (n: number): number =>
  Math.min(BOOTSTRAP_ITERATIONS, Math.max(CHUNK, Math.floor(MOST_NUMBERS / n / CHUNK) * CHUNK));

/** The standard error of a statistic of n documents. Iterations beyond a multiple of 1000 are not made. */
export function bootstrapError(n: number, statistic: OfDrawn, iterations: number): number {
  const chunk = Math.min(CHUNK, iterations);
  const values = new Float64Array(Math.floor(iterations / chunk) * chunk);
  const drawn = new Uint32Array(n);
  let random = new PythonRandom(0);
  for (let i = 0; i < values.length; i++) {
    if (i % chunk === 0) random = new PythonRandom(i / chunk);
    values[i] = statistic(random.choices(n, drawn));
  }
  return sampleDeviation(values);
}
