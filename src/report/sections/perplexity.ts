// The model on held-out text, beside models that need no training.

import { integer } from '../../base/format.js';
import { short } from '../numbers.js';
import { dataTable } from '../table.js';
import type { Section } from './section.js';

export const perplexity: Section = ({ start }, { perplexity: rows }) => {
  const { val_tokens, val_bytes } = start.data;
  const here = val_bytes === null ? '' : ` (here ${integer(val_tokens)} tokens stand for ${integer(val_bytes)} bytes)`;
  const numbers = ['loss', 'perplexity', 'bits per byte'].map((name) => ({ name, numeric: true }));
  return `<h2>Perplexity on held-out text</h2>
${dataTable(
  [{ name: '' }, ...numbers],
  rows.map(({ name, own, loss, perplexity, bits_per_byte }) => ({
    own,
    cells: [name, loss.toFixed(4), short(perplexity), bits_per_byte === null ? '-' : bits_per_byte.toFixed(3)],
  })),
)}
<p class="note after">Loss is the mean of -ln p(token | tokens before) in nats. Perplexity is e to the loss: the
number of equally likely tokens that would be as hard to guess. It depends on the tokenizer; bits per byte = loss / ln 2 × tokens /
bytes does not${here}.</p>`;
};
