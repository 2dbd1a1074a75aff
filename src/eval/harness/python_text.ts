// Python's methods of str, where JavaScript's differ: other characters are white space, and lengths, indexes and slices
// count code points.

/** The inside of a character class: what str.isspace and \s of re take for white space. JavaScript's \s differs in 6 characters. */
export const SPACE_CLASS = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const SPACE = new RegExp(`[${SPACE_CLASS}]`);
const LINE_END_CLASS = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029';
const LINE_END = new RegExp(`\\r\\n|[${LINE_END_CLASS}]`);
const SPACES = new RegExp(`[${SPACE_CLASS}]+`);

/** Numeric_Type=Digit beyond decimal digits: superscripts, circled digits and the like. */
const ODD_DIGITS =
  '\\xb2\\xb3\\xb9\\u1369-\\u1371\\u19da\\u2070\\u2074-\\u2079\\u2080-\\u2089\\u2460-\\u2468\\u2474-\\u247c\\u2488-\\u2490' +
  '\\u24ea\\u24f5-\\u24fd\\u24ff\\u2776-\\u277e\\u2780-\\u2788\\u278a-\\u2792\\u{10a40}-\\u{10a43}\\u{10e60}-\\u{10e68}' +
  '\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}';
const DIGITS = new RegExp(`^[\\p{Nd}${ODD_DIGITS}]+$`, 'u');

/** Whether the first character of a text is white space. */
export const startsWithSpace = (text: string): boolean => SPACE.test(text.charAt(0));

/** Whether the last character of a text is white space. */
export const endsWithSpace = (text: string): boolean => SPACE.test(text.charAt(text.length - 1));

/** str.isdigit. */
export const isDigits = (text: string): boolean => DIGITS.test(text);

/** Characters as Python counts them: code points. */
export const characters = (text: string): readonly string[] => Array.from(text);

/** len(). */
export const length = (text: string): number => (/[\ud800-\udbff]/.test(text) ? characters(text).length : text.length);

/** str.lstrip: characters of `of`, by default white space, taken from the front. */
export function lstrip(text: string, of?: string | null): string {
  const strip = stripped(of);
  const all = characters(text);
  let from = 0;
  while (from < all.length && strip(all[from]!)) from++;
  return all.slice(from).join('');
}

/** str.rstrip. */
export function rstrip(text: string, of?: string | null): string {
  const strip = stripped(of);
  const all = characters(text);
  let to = all.length;
  while (to > 0 && strip(all[to - 1]!)) to--;
  return all.slice(0, to).join('');
}

/** str.strip. */
export const strip = (text: string, of?: string | null): string => lstrip(rstrip(text, of), of);

const stripped = (of?: string | null) => (of == null ? (c: string) => SPACE.test(c) : (c: string) => of.includes(c));

/** str.split: at a separator, or between words where there is none; at most `max` times. */
export function split(text: string, separator?: string | null, max = -1): string[] {
  if (separator === '') throw new RangeError('empty separator');
  const words = separator == null;
  let rest = words ? lstrip(text) : text;
  const parts: string[] = [];
  while (max < 0 || parts.length < max) {
    const at = words ? rest.search(SPACES) : rest.indexOf(separator);
    if (at < 0) break;
    parts.push(rest.slice(0, at));
    rest = words ? lstrip(rest.slice(at)) : rest.slice(at + separator.length);
  }
  if (!words || rest !== '') parts.push(words && parts.length !== max ? rstrip(rest) : rest);
  return parts;
}

/** str.rsplit at a separator: as split, but counted from the end. */
export function rsplit(text: string, separator?: string | null, max = -1): string[] {
  const parts = split(text, separator);
  if (max < 0 || parts.length <= max + 1) return parts;
  if (separator != null) return [parts.slice(0, -max).join(separator), ...parts.slice(parts.length - max)];
  let rest = rstrip(text);
  const last: string[] = [];
  while (last.length < max) {
    const word = parts[parts.length - 1 - last.length]!;
    last.unshift(word);
    rest = rstrip(rest.slice(0, rest.length - word.length));
  }
  return [rest, ...last];
}

/** str.splitlines. */
export function splitLines(text: string): string[] {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** str.capitalize: the first character in title case, all others in lower case. */
export function capitalize(text: string): string {
  const first = characters(text)[0];
  if (first === undefined) return '';
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

/** str.title: every run of letters capitalised. */
export const title = (text: string): string => text.replace(/[\p{L}\p{M}]+/gu, capitalize);

// a letter that two stand for in capitals (ß) keeps the second one small
const titleCase = (char: string): string => {
  const upper = characters(char.toUpperCase());
  return upper.slice(0, 1).join('') + upper.slice(1).join('').toLowerCase();
};
