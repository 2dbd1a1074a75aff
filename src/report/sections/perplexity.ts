// The model on held-out text, beside models that need no training.

import { integer } from '../../base/format.js';
import { short } from '../numbers.js';
import { dataTable } from '../table.js';
import type { Section } from './section.js';

export const perplexity: Section = ({ start }, { perplexity: rows }) => {
  if (rows.length === 0) return null;
  const { val_tokens, val_bytes } = start.data;
  const here = val_bytes === null ? '' : ` (here ${integer(val_tokens)} tokens stand for ${integer(val_bytes)} bytes)`;
  const hasWords = rows.some((row) => row.word_perplexity !== null);
  const perWord = hasWords
    ? `; perplexity per word = e to the loss × tokens / words, of the ${integer(start.data.val_words ?? 0)} words between blanks, less so`
    : '';
  const names = ['loss', 'perplexity', ...(hasWords ? ['per word'] : []), 'bits per byte'];
  const numbers = names.map((name) => ({ name, numeric: true }));
  const html = `${dataTable(
    [{ name: '' }, ...numbers],
    rows.map(({ name, own, loss, perplexity, word_perplexity, bits_per_byte }) => ({
      own,
      cells: [
        name,
        loss.toFixed(4),
        short(perplexity),
        ...(hasWords ? [word_perplexity === null ? '-' : short(word_perplexity)] : []),
        bits_per_byte === null ? '-' : bits_per_byte.toFixed(3),
      ],
    })),
  )}
<p class="note after">Loss is the mean of -ln p(token | tokens before) in nats. Perplexity is e to the loss: the
number of equally likely tokens that would be as hard to guess. It depends on the tokenizer${perWord}; bits per byte = loss /
ln 2 × tokens / bytes does not${here}.</p>`;
  return { id: 'perplexity', title: 'Perplexity on held-out text', html };
};
