// Writes data/stories/tokenizer.json: a byte-level BPE of 2,048 tokens, trained on the bundled stories. After `npm run build`:
//
//   node data/generate_tokenizer.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { trainBpe } from '../dist/tokenizer/bpe_train.js';
import { WordCounts } from '../dist/tokenizer/word_counts.js';

const stories = readFileSync(new URL('stories/stories.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const words = new WordCounts();
for (const row of stories) words.add(JSON.parse(row).text);
const { json } = trainBpe(words, { vocabSize: 2048, minFrequency: 2 });
writeFileSync(new URL('stories/tokenizer.json', import.meta.url), json);
