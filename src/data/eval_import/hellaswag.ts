// HellaSwag (Zellers et al. 2019) from hellaswag_val_full.txt, six lines an item:
//
//   Roof shingle removal: A man is sitting on a roof. he       activity_label: ctx
//   3                                                          label
//   is using wrap to wrap a pair of skis.                      four endings
//
// ctx is ctx_a + " " + ctx_b. The harness's process_docs puts them together again with a capital at the start of ctx_b,
// so that the two must be known: ctx_b begins the sentence that the endings finish. It is what follows the last
// end of a sentence where the text does not end with one itself (ActivityNet's items: exactly the first 3,243), and
// empty otherwise (WikiHow's). A query is then the one that the harness makes of the original rows.

import { DataError } from '../../base/errors.js';
import { quoted } from '../../base/format.js';
import { type Doc, linesOf, type OriginalSet, splitsOf } from './original.js';

const LINES = 6;
const ENDINGS = ['first', 'second', 'third', 'fourth'];
const ENDS = /[.!?]["')]*\s*$/;
const LAST_SENTENCE = /^(.*[.!?]["')]*) ([^.!?]+)$/s;

async function* hellaswagRows([file]: readonly string[]): AsyncGenerator<Doc> {
  const lines = await linesOf(file!);
  for (let at = 0, ind = 0; at < lines.length; at += LINES, ind++) {
    const [query = '', label = '', ...endings] = lines.slice(at, at + LINES);
    const colon = query.indexOf(': ');
    if (colon < 0) throw malformed(file!, at, query, '"activity: context"');
    if (!/^[0-3]$/.test(label)) throw malformed(file!, at + 1, label, 'the number of the right ending, 0 to 3');
    const missing = ENDINGS.findIndex((_, i) => (endings[i] ?? '') === '');
    if (missing >= 0)
      throw malformed(file!, at + 2 + missing, endings[missing] ?? '', `the ${ENDINGS[missing]} ending`);
    yield { ind, activity_label: query.slice(0, colon), ...context(query.slice(colon + 2)), endings, label };
  }
}

function context(ctx: string): { ctx: string; ctx_a: string; ctx_b: string } {
  const parts = ENDS.test(ctx) ? null : LAST_SENTENCE.exec(ctx);
  return { ctx, ctx_a: parts?.[1] ?? ctx, ctx_b: parts?.[2] ?? '' };
}

const malformed = (file: string, index: number, line: string, wanted: string): DataError =>
  new DataError(
    `${file}:${index + 1}: the line is ${quoted(line)}, expected ${wanted}`,
    `an item has ${LINES} lines: "activity: context", the label, four endings`,
  );

/** HellaSwag's validation set; label is a text, as on the hub. */
export const hellaswag: OriginalSet = {
  name: 'hellaswag',
  tasks: 'hellaswag',
  licence: 'MIT (rowanz)',
  lacksTrain: true,
  splits: () => splitsOf('Rowan/hellaswag', 'default', { validation: ['hellaswag_val_full.txt'] }, hellaswagRows),
};
