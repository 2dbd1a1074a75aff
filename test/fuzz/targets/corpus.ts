// manifest.json of a prepared corpus, beside the shards that it tells of.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openCorpus } from '../../../src/data/corpus/open.js';
import { prepareCorpus } from '../../../src/data/corpus/prepare.js';
import { ByteTokenizer } from '../../../src/tokenizer/byte.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const ROWS = Array.from({ length: 40 }, (_, i) => JSON.stringify({ text: `${i} owls on a branch` })).join('\n');

async function make(folder: string): Promise<void> {
  const text = mkdtempSync(join(tmpdir(), 'gpt-fuzz-corpus-'));
  const file = join(text, 'rows.jsonl');
  writeFileSync(file, ROWS);
  const options = { textKey: 'text', valFraction: 0.2, shardTokens: 1024, dedup: 'none', part: 1, parts: 1 } as const;
  await prepareCorpus({ files: [file], out: folder, tokenizer: new ByteTokenizer(), threads: 1, ...options });
  rmSync(text, { recursive: true });
}

async function seeds(): Promise<Buffer[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gpt-fuzz-corpus-'));
  await make(join(folder, 'out'));
  const text = readFileSync(join(folder, 'out', 'manifest.json'));
  rmSync(folder, { recursive: true });
  return [text, Buffer.from(JSON.stringify(JSON.parse(text.toString())))];
}

export const corpusTargets: readonly Target[] = [
  {
    name: 'corpus manifest',
    file: 'corpus/manifest.json',
    text: true,
    seeds,
    hostile: () =>
      [
        '',
        'null',
        '[]',
        '{}',
        '{"format":"gpt-data"}',
        '{"format":"gpt-data","version":1}',
        nested('[', '', ']', DEEP),
      ].map((s) => Buffer.from(s)),
    dictionary: ['"shards"', '"../train-000000-000.bin"', '"train-000000-000.bin"', '"tokens"', '"totals"', '1e300'],
    prepare: (folder) => make(join(folder, 'corpus')),
    beside: ['tokenizer.json', 'train-000000-000.bin', 'val-000000-000.bin'],
    slack: 2 ** 20,
    async read(path) {
      const { train, val, manifest, close } = await openCorpus(dirname(path));
      try {
        consistent(train.length === manifest.totals.train_tokens, 'another number of training tokens');
        consistent(val.read(0, val.length).length === manifest.totals.val_tokens, 'another number of held-out tokens');
      } finally {
        close();
      }
    },
  },
];
