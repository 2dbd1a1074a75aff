// From numbers to places: ticks at round numbers, and axes that are linear or logarithmic.

/** About `n` round numbers (1, 2 or 5 times a power of ten apart) within [low, high]. */
export function ticks(low: number, high: number, n: number): number[] {
  const raw = high / n - low / n; // the difference itself may be beyond all numbers
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  // nothing between the two, or so little that counting in such steps does not reach the next number
  if (!(raw > 0 && Number.isFinite(step) && Math.abs(first) < 1e14)) return [low];
  const out: number[] = [];
  for (let i = first; i * step <= high + step * 1e-9; i++) out.push(Number((i * step).toPrecision(15)));
  return out;
}

/** Powers of ten within [low, high]; with fewer than three of them 1, 2 and 5 times powers of ten. */
export function logTicks(low: number, high: number): number[] {
  const [from, to] = [Math.max(-323, Math.floor(Math.log10(low))), Math.min(308, Math.ceil(Math.log10(high)))];
  const all = (multiples: number[]) => {
    const out: number[] = [];
    for (let e = from; e <= to; e++) {
      for (const m of multiples) {
        const value = Number(`${m}e${e}`);
        if (value >= low * 0.999 && value <= high * 1.001) out.push(value);
      }
    }
    return out;
  };
  const tens = all([1]);
  return tens.length >= 3 ? tens : all([1, 2, 5]);
}

/** Lowest and highest. */
export function extent(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return [low, high];
}

/** Places of numbers between `low` and `high`. */
export interface Axis {
  readonly at: (value: number) => number;
  readonly low: number;
  readonly high: number;
}

/** Maps [low, high], widened by `margin`, to pixels from..to. A single value gets room on both sides. */
export function axis(
  [low, high]: readonly [number, number],
  from: number,
  to: number,
  log: boolean,
  margin: number,
  fromZero = false,
): Axis {
  let a = log ? Math.log10(low) : low;
  let b = log ? Math.log10(high) : high;
  const pad = b > a ? (b - a) * margin : margin > 0 ? Math.abs(a) * 0.1 || 1 : 0;
  a -= fromZero ? 0 : pad;
  b += pad;
  const span = b > a ? b - a : 1;
  const scale = (v: number) => from + (((log ? Math.log10(v) : v) - a) / span) * (to - from);
  return { at: scale, low: log ? 10 ** a : a, high: log ? 10 ** b : b };
}
