// How the report writes numbers, beside src/base/format.ts: axis labels and table cells.

import { count, integer } from '../base/format.js';

/** Of an axis: 40k, 1.5, 0.001, 12; at most three significant digits, no trailing zeros. */
export const tick = (x: number): string =>
  Math.abs(x) >= 1000 ? count(x).replace(/(?:\.0+|(\.\d*[1-9])0+)(?=[kMBT]$)/, '$1') : String(Number(x.toPrecision(3)));

/** Four significant digits, whole from 1,000 on: 2.846, 18.92, 50,257. */
export const short = (x: number): string => (Math.abs(x) < 1000 || !Number.isFinite(x) ? x.toPrecision(4) : integer(x));

/** Of an optimizer: 2e-3, 6.25e-5, 0 */
export const learningRate = (x: number): string => (x === 0 ? '0' : Number(x.toPrecision(3)).toExponential());
