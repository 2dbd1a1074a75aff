// De-tokenizers: WikiText's against lm-evaluation-harness's (tasks/wikitext/preprocess_wikitext.py, run in Python), the
// others on sentences as they stand in their corpora.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DETOKENIZERS, detokenize } from '../../src/eval/detokenize.js';

test.each([
  [
    `the boys ' dog , a 5 @-@ year @-@ old with 1 @,@ 000 fleas and 3 @.@ 5 owners ; " quite so " , he said : no !`,
    `the boys' dog, a 5-year-old with 1,000 fleas and 3.5 owners; "quite so", he said: no !`,
  ],
  [
    " = Title = \n \n = = Sub = = \n = = = Deep = = = \n It ' s 20 ° C ( 68 ° F ) in N places [ sic ] ; the lobster 's claws \n",
    " = Title =\n\n== Sub ==\n=== Deep ===\nIt's 20°C (68°F) in 1 places [sic]; the lobster's claws\n",
  ],
  [`{ a } ( b ( c ) d ) [ ] ' single ' "un" 'x`, `{a} (b ( c) d ) []'single' "un" 'x`],
  ['end .\n . start , no', 'end .\n. start, no'],
])('wikitext: %j', (tokenised, want) => {
  expect(detokenize(tokenised, 'wikitext')).toBe(want);
});

const WIKITEXT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../shared/data/wikitext2');
const here = existsSync(WIKITEXT);

test.skipIf(!here).each([
  ['valid', '690623f8b014db8936214a63f29caee6503f4b9a21f0e883957c278868a9be34'],
  ['test', 'f7a499621c56efe6af6dfcf0000730cb19f60063656a277e0dc881c165d6c397'],
])(`the whole of WikiText-2's %s set${here ? '' : ' (skipped: ../shared/data is not here)'}`, (name, sha256) => {
  const text = detokenize(readFileSync(path.join(WIKITEXT, `${name}.txt`), 'utf8'), 'wikitext');
  expect(createHash('sha256').update(text).digest('hex')).toBe(sha256);
});

test.each([
  [
    "no it was n't black monday \n but while the new york stock exchange did n't fall apart friday as the dow jones industrial average plunged N points \n",
    "no it wasn't black monday\nbut while the new york stock exchange didn't fall apart friday as the dow jones industrial average plunged 1 points\n",
  ],
  [
    "the company 's shares fell $ N to $ N a share they 've said",
    "the company's shares fell $1 to $1 a share they've said",
  ],
  ["investors ' fears about the N N bonds # N", "investors' fears about the 1 1 bonds #1"],
  ['N NBC nNn <unk>', '1 NBC nNn <unk>'],
])('ptb: %j', (tokenised, want) => {
  expect(detokenize(tokenised, 'ptb')).toBe(want);
});

test.each([
  [
    `" We 're not going to stop , " he said ( on Monday ) ; " we ca n't . "`,
    `"We're not going to stop," he said (on Monday); "we can't."`,
  ],
  ["It 's 5 % of $ 3.5 billion : the firm 's share .\nWhy ?", "It's 5% of $3.5 billion: the firm's share.\nWhy?"],
  ['The [ old ] man -- 3.30 p.m. EDT -- left .', 'The [old] man -- 3.30 p.m. EDT -- left.'],
  [`the 5 ' 10 " man`, `the 5 ' 10 " man`], // no pair of quotes
])('lm1b: %j', (tokenised, want) => {
  expect(detokenize(tokenised, 'lm1b')).toBe(want);
});

test('ordinary text stays as it is, whatever the rules; none changes nothing at all', () => {
  const text = `"Well," said Tilly (the old bear), "it's 3.5 years, isn't it?" The bears' friend said: [no]; 10% of $5!\n\nEnd.`;
  for (const name of DETOKENIZERS) expect(detokenize(text, name), name).toBe(text);
  expect(detokenize(' a , b \n', 'none')).toBe(' a , b \n');
});
