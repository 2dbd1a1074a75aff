// How a token source is laid out for training, where it is not one endless stream of which every token is scored: the
// configuration's data.sequences and data.loss.
//
//   documents   each document (its end-of-text is its last token) begins a window of T positions of its own; one of more
//               than T + 1 tokens goes on in further windows, so that all of its tokens but the first are predicted once.
//               What a document leaves of a window is padding, and is not scored
//   answers     scored are the tokens behind a start marker, up to and including the next end marker or end-of-text.
//               Markers are matched by their token ids, inside one document; a start marker inside an answer means nothing
//
// Windows of which nothing is scored are left out. Memory: a bit per token, and 12 bytes per window.

import { DataError } from '../base/errors.js';
import { integer, plural, quoted } from '../base/format.js';
import type { DataConfig } from '../config/schema.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { TokenSource } from './token_file.js';

/** Where the sequences of a source start, and which of its tokens are scored. */
export interface Layout {
  /** Windows of documents; null: windows are cut from the stream. */
  readonly documents: DocumentWindows | null;
  /** Whether the token at a position is scored; null: all are. */
  readonly isScored: ((position: number) => boolean) | null;
  /** Tokens that are scored, each once in an epoch. */
  readonly scored: number;
}

/** Window w predicts the tokens starts[w] + 1 .. starts[w] + lengths[w]. */
export interface DocumentWindows {
  readonly starts: Float64Array;
  readonly lengths: Uint32Array; // 1 .. T
}

/** The keys of the configuration that a layout is made of. */
export type LayoutConfig = Pick<DataConfig, 'sequences' | 'loss' | 'answer_start' | 'answer_end'>;

const CHUNK = 1 << 20;

/** The layout of a source for windows of T; null: a stream, all scored. Throws DataError when nothing would be scored. */
export function layoutOf(
  source: TokenSource,
  tokenizer: Pick<Tokenizer, 'encode' | 'eot'>,
  { sequences, loss, answer_start, answer_end }: LayoutConfig,
  T: number,
  what: 'training' | 'validation',
): Layout | null {
  if (sequences === 'stream' && loss === 'all') return null;
  const documents = sequences === 'documents' ? new Documents(T) : null;
  const answers =
    loss === 'answers' ? new Answers(tokenizer.encode(answer_start ?? ''), tokenizer.encode(answer_end ?? '')) : null;
  const bits = new Uint8Array(answers ? Math.ceil(source.length / 8) : 0);
  let position = 0;
  let scored = 0;
  while (position < source.length) {
    for (const id of source.read(position, Math.min(CHUNK, source.length - position))) {
      const isEnd = id === tokenizer.eot;
      const isAnswer = answers === null || answers.next(id, isEnd);
      const counts = documents === null ? isAnswer && position > 0 : documents.next(isAnswer, isEnd);
      if (counts) scored++;
      if (answers !== null && isAnswer) bits[position >>> 3]! |= 1 << (position & 7);
      position++;
    }
  }
  if (scored === 0) throw nothingScored(what, answer_start);
  const isScored = (at: number): boolean => ((bits[Math.floor(at / 8)]! >> (at % 8)) & 1) === 1;
  return { documents: documents?.windows() ?? null, isScored: answers && isScored, scored };
}

/** A layout in words. tokens: of the source. */
export function describeLayout({ documents, scored }: Layout, tokens: number): string {
  const windows = documents === null ? '' : `${plural(documents.starts.length, 'sequence')} of documents, `;
  return `${windows}${integer(scored)} of ${integer(tokens)} training tokens are scored`;
}

/** Cuts documents into windows, token by token. */
class Documents {
  readonly #T: number;
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  #position = 0;
  #start = 0; // of the window
  #any = false; // something of it is scored

  constructor(T: number) {
    this.#T = T;
  }

  /** True where the token is predicted, and scored. */
  next(isScored: boolean, isEnd: boolean): boolean {
    const length = this.#position - this.#start;
    const counts = isScored && length > 0;
    this.#any ||= counts;
    if (isEnd) this.#close(length, this.#position + 1);
    else if (length === this.#T) this.#close(length, this.#position); // the last token predicted is the next one's first
    this.#position++;
    return counts;
  }

  windows(): DocumentWindows {
    this.#close(this.#position - 1 - this.#start, this.#position); // a document without end-of-text
    return { starts: Float64Array.from(this.#starts), lengths: Uint32Array.from(this.#lengths) };
  }

  #close(length: number, next: number): void {
    if (this.#any) {
      this.#starts.push(this.#start);
      this.#lengths.push(length);
    }
    this.#start = next;
    this.#any = false;
  }
}

/** Finds answers, token by token. */
class Answers {
  readonly #start: Int32Array;
  readonly #end: Int32Array; // empty: only end-of-text ends an answer
  #inside = false;
  #recent: number[] = []; // tokens since the last border, as many as the longer marker has

  constructor(start: Int32Array, end: Int32Array) {
    this.#start = start;
    this.#end = end;
  }

  /** Whether the token belongs to an answer. */
  next(id: number, isEnd: boolean): boolean {
    const isAnswer = this.#inside;
    this.#recent.push(id);
    const marker = isAnswer ? this.#end : this.#start;
    const found = marker.length > 0 && endsWith(this.#recent, marker);
    if (found || isEnd) {
      this.#inside = !isEnd && !isAnswer;
      this.#recent = [];
    } else if (this.#recent.length > marker.length) this.#recent.shift();
    return isAnswer;
  }
}

const endsWith = (ids: readonly number[], marker: Int32Array): boolean =>
  ids.length >= marker.length && marker.every((id, i) => ids[ids.length - marker.length + i] === id);

function nothingScored(what: string, marker: string | undefined): DataError {
  if (marker === undefined) return new DataError(`no document of the ${what} text has two tokens`, 'give more text');
  return new DataError(
    `no document of the ${what} text has a token behind the marker ${quoted(marker)}: there is nothing to score`,
    'check data.answer_start; its tokens must stand in the text as they are, and a BPE may merge them with their neighbours',
  );
}
