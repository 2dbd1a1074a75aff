// Every preset of fine-tuning loads by name and by path, states a form, a format and a metric, and leaves the rest to
// the defaults, which are GPT-1's.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadFinetuneConfig } from '../../src/config/load.js';
import { FinetuneConfig } from '../../src/config/schema.js';

const PRESETS: Record<string, object> = {
  sst2: { finetune: { task: 'classification', metric: 'accuracy' }, data: { format: 'sst2' } },
  cola: { finetune: { task: 'classification', metric: 'matthews' }, data: { format: 'cola' } },
  rte: { finetune: { task: 'entailment', metric: 'accuracy' }, data: { format: 'rte' } },
  sick: { finetune: { task: 'entailment', metric: 'accuracy' }, data: { format: 'sick' } },
  stsb: { finetune: { task: 'similarity', objective: 'regression', metric: 'pearson' }, data: { format: 'stsb' } },
  mrpc: { finetune: { task: 'similarity', objective: 'classes', metric: 'f1' }, data: { format: 'mrpc' } },
  cosmosqa: {
    finetune: { task: 'multiple-choice', metric: 'accuracy' },
    data: { format: 'cosmosqa', val_split: 0.2 },
  },
  copa: {
    finetune: { task: 'multiple-choice', metric: 'accuracy' },
    data: { format: 'copa', val_split: 0.2 },
    train: { max_epochs: 10 },
  },
};

const folder = fileURLToPath(new URL('../../configs/finetune/', import.meta.url));

test('every file of configs/finetune/ is in the table', () => {
  // small.yaml is of no data set
  expect(readdirSync(folder).sort()).toEqual([...Object.keys(PRESETS), 'small'].map((name) => `${name}.yaml`).sort());
});

describe.each(Object.entries(PRESETS))('%s', (name, stated) => {
  test('states what it is and nothing else', () => {
    const text = readFileSync(`${folder}${name}.yaml`, 'utf8');
    expect(parse(text)).toEqual(stated);
    expect(text).toContain(`gpt finetune CHECKPOINT configs/finetune/${name}.yaml --data `);
  });

  test.each([name, `${folder}${name}.yaml`])('loads as %s', (file) => {
    const { run } = loadFinetuneConfig({ file, flags: ['--data.train', 'somewhere.tsv'] });
    expect(run).toEqual(
      FinetuneConfig.parse({ ...stated, data: { ...(stated as { data: object }).data, train: 'somewhere.tsv' } }),
    );
    expect([run.train.batch_size, run.train.learning_rate, run.finetune.lm_coef]).toEqual([32, 6.25e-5, 0.5]);
  });
});

test('small: a rate and epochs for models of a few million parameters, for any task', () => {
  const flags = ['--data.train', 'somewhere.tsv', '--finetune.task', 'entailment'];
  const { train } = loadFinetuneConfig({ file: 'small', flags }).run;
  const expected = { batch_size: 16, max_epochs: 10, learning_rate: 1e-3, warmup: 0.1 };
  expect(train).toEqual(FinetuneConfig.parse({ train: expected }).train);
});
