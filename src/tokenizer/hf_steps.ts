// The normalizer and the pre-tokenizer of a Hugging Face tokenizer.json: from a text to the pieces that byte pairs are
// merged in.
//
//   normalizer      NFC NFD NFKC NFKD Lowercase Replace BertNormalizer, and a Sequence of them
//   pre-tokenizer   Split ByteLevel Digits Punctuation, and a Sequence of them with one ByteLevel
//
// A pre-tokenizer gets a piece and emits smaller ones, so a Sequence is nested calls and no list is made of a long text.
// ByteLevel turns a piece into stand-ins for its UTF-8 bytes (byte_symbols.ts). Where it comes last, which is nearly
// always, that is left to the merging; steps behind it (Falcon's) see the stand-ins, as they do in Hugging Face's code.
// What characters are letters is decided by the Unicode version of Node.

import { z } from 'zod';
import type { DataError } from '../base/errors.js';
import { quoted, short } from '../base/format.js';
import { bertNormalized } from './bert.js';
import { symbolsOf } from './byte_symbols.js';
import { PatternError, patternOf } from './oniguruma.js';
import { pieceEnd } from './pieces.js';

/** Makes the error of a file that cannot be used. */
export type Refuse = (what: string) => DataError;

/** A step of a file: its type and what belongs to it. */
export const Step = z.looseObject({ type: z.string() });
export type Step = z.infer<typeof Step>;

/** A text to another. */
export type Normalize = (text: string) => string;

/** Emits the pieces of a text in their order, none of them empty. */
export type Split = (text: string, emit: (piece: string) => void) => void;

const Behavior = z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);
type Behavior = z.infer<typeof Behavior>;

const Pattern = z.union([z.strictObject({ String: z.string() }), z.strictObject({ Regex: z.string() })]);
const SplitStep = Step.extend({ pattern: Pattern, behavior: Behavior, invert: z.boolean().default(false) });
const DigitsStep = Step.extend({ individual_digits: z.boolean().default(false) });
const PunctuationStep = Step.extend({ behavior: Behavior.default('Isolated') });
const ByteLevelStep = Step.extend({
  add_prefix_space: z.boolean().default(true),
  use_regex: z.boolean().default(true),
});
const ReplaceStep = Step.extend({ pattern: Pattern, content: z.string() });
const BertStep = Step.extend({
  clean_text: z.boolean().default(true),
  handle_chinese_chars: z.boolean().default(true),
  strip_accents: z.boolean().nullish(),
  lowercase: z.boolean().default(true),
});

/** The members of a Sequence, or the step itself. */
function flat(step: Step, key: 'normalizers' | 'pretokenizers', refuse: Refuse, depth = 0): Step[] {
  if (step.type !== 'Sequence') return [step];
  const parsed = z.array(Step).safeParse(step[key]);
  if (!parsed.success || depth > 8) throw refuse(`its Sequence of ${key} is not a list of steps`);
  return parsed.data.flatMap((inner) => flat(inner, key, refuse, depth + 1));
}

/** Throws what refuse makes for a step that gpt does not know. */
export function normalizerOf(step: Step, refuse: Refuse): Normalize {
  const steps = flat(step, 'normalizers', refuse).map((one) => normalizeStep(one, refuse));
  return (text) => steps.reduce((normalized, one) => one(normalized), text);
}

function normalizeStep(step: Step, refuse: Refuse): Normalize {
  switch (step.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = step.type;
      return (text) => text.normalize(form);
    }
    case 'Lowercase':
      return lowerCase;
    case 'Replace': {
      const { pattern, content } = read(ReplaceStep, step, refuse);
      const regex = regexOf(pattern, refuse);
      return (text) => text.replace(regex, () => content);
    }
    case 'BertNormalizer': {
      const { clean_text, handle_chinese_chars, strip_accents, lowercase } = read(BertStep, step, refuse);
      const options = { clean_text, handle_chinese_chars, strip_accents: strip_accents ?? lowercase, lowercase };
      return (text) => bertNormalized(text, options);
    }
    default:
      throw refuse(`it has a normalizer that gpt does not know (${short(step.type)})`);
  }
}

/** Character by character, as Rust's char::to_lowercase: a final sigma is a sigma. */
const lowerCase: Normalize = (text) => text.replace(/Σ/g, 'σ').toLowerCase();

/** A pre-tokenizer that ends in bytes. */
export interface BytePieces {
  readonly split: Split;
  /** Pieces are in stand-ins already. */
  readonly isSpelled: boolean;
}

/** Throws what refuse makes for a step that gpt does not know, and where no step makes bytes. */
export function bytePieces(step: Step, refuse: Refuse): BytePieces {
  const steps = flat(step, 'pretokenizers', refuse);
  const at = steps.findIndex(({ type }) => type === 'ByteLevel');
  if (at < 0 || steps.findLastIndex(({ type }) => type === 'ByteLevel') !== at) {
    throw refuse(`its pre-tokenizer (${short(step.type)}) is not byte-level`);
  }
  const isSpelled = at < steps.length - 1;
  const splits = steps.flatMap((one): Split[] => {
    if (one.type !== 'ByteLevel') return [splitStep(one, refuse)];
    return isSpelled ? [byteLevel(one, refuse), spelled] : [byteLevel(one, refuse)];
  });
  const split = splits.reduceRight(
    (inner, outer): Split =>
      (text, emit) =>
        outer(text, (piece) => inner(piece, emit)),
  );
  return { split, isSpelled };
}

function splitStep(step: Step, refuse: Refuse): Split {
  switch (step.type) {
    case 'Split': {
      const { pattern, behavior, invert } = read(SplitStep, step, refuse);
      if (behavior === 'Removed' && !invert) throw refuse('its pre-tokenizer removes text');
      return splitting(regexOf(pattern, refuse), behavior, invert);
    }
    case 'Digits': {
      const { individual_digits } = read(DigitsStep, step, refuse);
      return splitting(/\p{N}/gu, individual_digits ? 'Isolated' : 'Contiguous', false);
    }
    case 'Punctuation': {
      const { behavior } = read(PunctuationStep, step, refuse);
      if (behavior === 'Removed') throw refuse('its pre-tokenizer removes text');
      return splitting(/[!-/:-@[-`{-~]|\p{P}/gu, behavior, false);
    }
    default:
      throw refuse(`its pre-tokenizer has a step that gpt does not know (${short(step.type)})`);
  }
}

function byteLevel(step: Step, refuse: Refuse): Split {
  const { add_prefix_space, use_regex } = read(ByteLevelStep, step, refuse);
  return (text, emit) => {
    const prefixed = add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text;
    if (!use_regex) return emit(prefixed);
    for (let start = 0; start < prefixed.length; ) {
      const end = pieceEnd(prefixed, start);
      emit(prefixed.slice(start, end));
      start = end;
    }
  };
}

const spelled: Split = (text, emit) => emit(symbolsOf(Buffer.from(text, 'utf8')));

function regexOf(pattern: z.infer<typeof Pattern>, refuse: Refuse): RegExp {
  if ('String' in pattern) {
    const literal = pattern.String.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    return literal === '' ? /(?!)/gu : new RegExp(literal, 'gu');
  }
  try {
    return patternOf(pattern.Regex);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw refuse(`its pattern ${quoted(pattern.Regex)} cannot be used: ${error.message}`);
  }
}

interface Span {
  readonly start: number;
  end: number;
  readonly isMatch: boolean;
}

/** Cuts at the matches of a pattern. `invert`: what lies between them is the match. */
function splitting(regex: RegExp, behavior: Behavior, invert: boolean): Split {
  if (behavior === 'Isolated') {
    return (text, emit) => {
      for (const { start, end } of spans(text, regex)) if (end > start) emit(text.slice(start, end));
    };
  }
  return (text, emit) => {
    let held: Span | undefined;
    let isAfterMatch = false;
    const put = (span: Span | undefined): void => {
      if (span && span.end > span.start) emit(text.slice(span.start, span.end));
    };
    for (const { start, end, isMatch } of spans(text, regex)) {
      const isDelimiter = isMatch !== invert;
      if (behavior === 'Removed') {
        if (!isDelimiter) put({ start, end, isMatch });
        continue;
      }
      const joins =
        behavior === 'Contiguous'
          ? held?.isMatch === isDelimiter
          : behavior === 'MergedWithPrevious'
            ? isDelimiter && !isAfterMatch
            : held?.isMatch === true && !isDelimiter; // MergedWithNext: the last delimiter of several
      if (held && joins) held.end = end;
      else {
        put(held);
        held = { start, end, isMatch: isDelimiter };
      }
      if (joins && behavior === 'MergedWithNext') {
        put(held);
        held = undefined;
      }
      isAfterMatch = isDelimiter;
    }
    put(held);
  };
}

const LONGEST = 1 << 18; // units that V8 matches in any pattern without running out of its stack

/** Matches and what lies between them, in order. */
function* spans(text: string, regex: RegExp): Generator<Span> {
  let done = 0;
  for (let at = 0; at <= text.length; ) {
    const found = matchFrom(text, regex, at);
    if (!found) break;
    const [start, end] = found;
    if (start > done) yield { start: done, end: start, isMatch: false };
    yield { start, end, isMatch: true };
    done = end;
    at = end > start ? end : end + (text.codePointAt(end)! > 0xffff ? 2 : 1);
  }
  if (done < text.length) yield { start: done, end: text.length, isMatch: false };
}

/**
 * A word of millions of characters is too much for V8's matcher: such a place is matched in the next 2^18 units alone,
 * which may cut the word.
 */
function matchFrom(text: string, regex: RegExp, at: number): [start: number, end: number] | undefined {
  regex.lastIndex = at;
  try {
    const found = regex.exec(text);
    return found ? [found.index, found.index + found[0].length] : undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    regex.lastIndex = 0;
    const found = regex.exec(text.slice(at, at + LONGEST));
    return found ? [at + found.index, at + found.index + found[0].length] : [at, Math.min(at + LONGEST, text.length)];
  }
}

function read<S extends z.ZodType>(schema: S, step: Step, refuse: Refuse): z.infer<S> {
  const parsed = schema.safeParse(step);
  if (parsed.success) return parsed.data;
  throw refuse(`its step ${short(step.type)} has no usable ${short(parsed.error.issues[0]!.path.join('.'))}`);
}
