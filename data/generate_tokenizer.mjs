// Writes data/stories/tokenizer.json: a byte-level BPE of 2,048 tokens, trained on the bundled stories. After `npm run build`:
//
//   node data/generate_tokenizer.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { trainBpe } from '../dist/tokenizer/bpe_train.js';

const stories = readFileSync(new URL('stories/stories.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const json = trainBpe(
  stories.map((row) => JSON.parse(row).text),
  2048,
);
writeFileSync(new URL('stories/tokenizer.json', import.meta.url), json);
