// The one way numbers look to a user: 12.3k tok/s, 4.1 GiB, 3h12m.

/** 1,234,567 */
export const integer = (n: number): string => Math.round(n).toLocaleString('en-US');

/** 1 file, 2,800 documents */
export const plural = (n: number, noun: string): string => `${integer(n)} ${noun}${n === 1 ? '' : 's'}`;

/** 999, 12.3k, 4.56M, 1.32B */
export function count(n: number): string {
  if (!Number.isFinite(n)) return String(n);
  const units: [number, string][] = [
    [1e12, 'T'],
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  for (const [size, unit] of units) {
    if (Math.abs(n) >= size) return `${significant(n / size)}${unit}`;
  }
  return String(Math.round(n));
}

const significant = (x: number): string => (Math.abs(x) >= 100 ? x.toFixed(0) : x.toPrecision(3));

/** 512 B, 1.06 MiB, 4.10 GiB (powers of 1024) */
export function bytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024;
    i++;
  }
  return i === 0 ? `${n} B` : `${significant(n)} ${units[i]}`;
}

/** 4.2s, 1m24s, 3h12m, 2d4h, 929d */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-';
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  const s = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h${two(Math.floor((s % 3600) / 60))}m`;
  if (s >= 100 * 86400) return `${integer(Math.floor(s / 86400))}d`;
  return `${Math.floor(s / 86400)}d${Math.floor((s % 86400) / 3600)}h`;
}

/** 43.2% */
export const percent = (x: number): string => `${(100 * x).toFixed(1)}%`;

/** Text of a model as a terminal may show it: control characters, which could move the cursor, become U+FFFD. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const printable = (text: string): string => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd');

const QUOTED = 60; // characters

/** A name or text out of a foreign file as messages quote it: printable, and not longer than a line has room for. */
export const short = (text: string, length = QUOTED): string =>
  printable(text.length > length ? `${text.slice(0, length - 3)}...` : text);

/** A value out of a foreign file as messages quote it: its JSON, shortened; a bigint is its digits. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return short(JSON.stringify(value.slice(0, QUOTED)));
  try {
    const json = JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner));
    return short(json ?? String(value));
  } catch {
    return 'something that contains itself or is nested too deeply'; // JSON.stringify is recursive
  }
}
