// Labelled texts as token sequences, as GPT-1 reads them (Radford et al. 2018, section 3.3).
//
//   classification    <start> text <extract>
//   entailment        <start> premise <delimiter> hypothesis <extract>
//   similarity        <start> a <delimiter> b <extract>  and  <start> b <delimiter> a <extract>;
//                     with readout cosine  <start> a <extract>  and  <start> b <extract>
//   multiple choice   <start> context question <delimiter> answer <extract>, for each answer
//
// The three special tokens are the ids after the tokenizer's: rows of their own in the embedding. What does not fit into
// n_ctx is cut, and counted: of two texts first the longer one, down to half each. Texts lose their end; the context of
// a multiple choice its beginning, since the question is at its end.

import { TASK_TOKENS } from '../tokenizer/hf_task_files.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Example, TaskForm } from './examples.js';

/** How examples become sequences. Checkpoints keep it. */
export interface Transform {
  readonly form: TaskForm;
  readonly readout: 'pair' | 'cosine';
  /** Texts are put in lower case first. */
  readonly lower_case: boolean;
  /** Ids of the special tokens. */
  readonly start: number;
  readonly delimiter: number;
  readonly extract: number;
}

/** Number of special tokens: rows that fine-tuning adds to the embedding. */
export const SPECIAL_TOKENS = TASK_TOKENS.length;

/** The transform of a task for a vocabulary of so many tokens. */
export const transformOf = (
  form: TaskForm,
  readout: 'pair' | 'cosine',
  lowerCase: boolean,
  vocabSize: number,
): Transform => ({
  form,
  readout,
  lower_case: lowerCase,
  start: vocabSize,
  delimiter: vocabSize + 1,
  extract: vocabSize + 2,
});

/** An example as sequences: one; two for similarity; one for each answer. */
export interface EncodedExample {
  readonly sequences: readonly Int32Array[];
  /** Something was cut to fit. */
  readonly truncated: boolean;
}

/** Token sequences of an example, none longer than n_ctx. */
export function encodeExample(
  { texts, choices }: Pick<Example, 'texts' | 'choices'>,
  transform: Transform,
  tokenizer: Tokenizer,
  nCtx: number,
): EncodedExample {
  const { form, readout, start, delimiter, extract } = transform;
  let truncated = false;
  const encode = (text: string) => tokenizer.encode(transform.lower_case ? text.toLowerCase() : text);
  const one = (a: Int32Array): Int32Array => {
    const room = nCtx - 2;
    truncated ||= a.length > room;
    return Int32Array.of(start, ...a.subarray(0, room), extract);
  };
  const two = (a: Int32Array, b: Int32Array, keepsEnd = false): Int32Array => {
    const [first, second] = shares(a.length, b.length, nCtx - 3);
    truncated ||= first < a.length || second < b.length;
    const kept = keepsEnd ? a.subarray(a.length - first) : a.subarray(0, first);
    return Int32Array.of(start, ...kept, delimiter, ...b.subarray(0, second), extract);
  };
  const [a, b] = texts.map(encode) as [Int32Array, Int32Array | undefined];
  const sequences =
    form === 'classification'
      ? [one(a)]
      : form === 'entailment'
        ? [two(a, b!)]
        : form === 'multiple-choice'
          ? choices!.map((answer) => two(a, encode(answer), true))
          : readout === 'cosine'
            ? [one(a), one(b!)]
            : [two(a, b!), two(b!, a)];
  return { sequences, truncated };
}

/** How many of a and b tokens stay where `room` tokens fit: the shorter text keeps up to half of it. */
function shares(a: number, b: number, room: number): [number, number] {
  if (a + b <= room) return [a, b];
  const half = Math.floor(room / 2);
  if (b <= half) return [room - b, b];
  if (a <= room - half) return [a, room - a];
  return [room - half, half];
}
