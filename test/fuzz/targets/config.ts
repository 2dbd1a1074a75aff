// Run configurations in YAML. What is accepted must print as a configuration that loads to the same.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../../src/config/load.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

// The worker runs as build/fuzz/worker.mjs.
const preset = (name: string): Buffer =>
  readFileSync(fileURLToPath(new URL(`../../configs/${name}.yaml`, import.meta.url)));

const STEPS = 'train: {max_steps: 10}\n';

/** Ten aliases to a list of ten aliases to a list ... : 10^levels values in a few hundred bytes. */
function bomb(levels: number): string {
  let yaml = 'x:\n  a0: &a0 [1, 1]\n';
  for (let i = 1; i <= levels; i++)
    yaml += `  a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(', ')}]\n`;
  return `${yaml}data:\n  path: *a${levels}\n${STEPS}`;
}

const HOSTILE = [
  bomb(3),
  bomb(9),
  bomb(9).replace('data:\n  path:', 'model:\n  attention_layers:'),
  bomb(9).replace(/data:[\s\S]*/, `model: *a9\n${STEPS}`),
  `model: &m {n_layer: 2, n_head: *m}\n${STEPS}`, // an alias inside its own anchor
  `model: &m\n  attention_layers: &l [*l]\n${STEPS}`,
  `model: &m\n  <<: *m\n  n_layer: 2\n${STEPS}`,
  `model: *nowhere\n${STEPS}`,
  `model: {n_layer: *nowhere}\n${STEPS}`,
  `extends: *nowhere\n${STEPS}`,
  `extends: &a [*a]\n${STEPS}`,
  `extends: case.yaml\n${STEPS}`,
  `extends: /dev/zero\n${STEPS}`,
  `extends: "\\0"\n${STEPS}`,
  `extends: ${'a'.repeat(5000)}\n${STEPS}`,
  `extends: ../${'x/'.repeat(3000)}\n${STEPS}`,
  `*a : {n_layer: 2}\n${STEPS}`,
  `? {a: b}\n: 1\n${STEPS}`,
  `? [model]\n: {n_layer: 2}\n${STEPS}`,
  `model: !!binary aGVsbG8=\n${STEPS}`,
  `model: {n_layer: !!binary aGVsbG8=}\n${STEPS}`,
  `model: {n_layer: !!js/function "function() {}"}\n${STEPS}`,
  `model: {n_layer: !!python/object/apply:os.system [ls]}\n${STEPS}`,
  `model: !!set {n_layer, n_head}\n${STEPS}`,
  `model: !!omap [n_layer: 2]\n${STEPS}`,
  `model: {n_layer: !!timestamp 2001-12-14}\n${STEPS}`,
  `%YAML 9.9\n---\n${STEPS}`,
  `%TAG ! tag:x,2000:\n---\n${STEPS}`,
  `${STEPS}---\n${STEPS}`,
  `__proto__: {n_layer: 2}\n${STEPS}`,
  `model: {__proto__: {n_layer: 2}, constructor: 1}\n${STEPS}`,
  `train: {max_steps: 1e999}\n`,
  `train: {max_steps: 99999999999999999999999}\n`,
  `train: {max_steps: 10, seed: 9007199254740993}\n`,
  `train: {max_steps: 10, betas: [${'0.9, '.repeat(50_000)}]}\n`,
  `model: {n_layer: 1000000000}\n${STEPS}`,
  `model: {n_embd: 9007199254740991, n_head: 9007199254740991}\n${STEPS}`,
  `data: {path: "\\ud800"}\n${STEPS}`,
  `sample: {prompt: "\\0\\x1b[2J\\ud800\\L\\P\\N"}\n${STEPS}`,
  `sample: {prompt: |\n${'  a\n'.repeat(50_000)}}\n${STEPS}`,
  nested('[', '', ']', DEEP),
  nested('{a: ', '1', '}', DEEP),
  nested('[', '', '', DEEP),
  nested('- ', 'a', '', DEEP),
  nested('? ', 'a', '', DEEP),
  `model: {n_layer: ${nested('[', '', ']', DEEP)}}\n${STEPS}`,
  nested('[', '', ']', 900),
  `model: {n_layer: ${nested('[', '', ']', 900)}}\n${STEPS}`,
  Array.from({ length: 5000 }, (_, i) => `${' '.repeat(i % 1000)}a${i}:\n`).join(''),
  Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join(''), // every key unknown
  `model:\n${Array(5000).fill('  n_layer: 2\n').join('')}${STEPS}`, // every key twice
  'a'.repeat(100_000),
  `${'a'.repeat(50_000)}: 1\n`,
  `model: {${'a'.repeat(50_000)}: 1}\n`,
  '"'.repeat(10_000),
  '#'.repeat(100_000),
  '\n'.repeat(100_000),
  '\ufeff\ufeff\ufeff',
  '---\n...\n---\n',
  '\0',
  '',
];

export const configTargets: readonly Target[] = [
  {
    name: 'config.yaml',
    file: 'case.yaml',
    text: true,
    seeds: () => [
      preset('mini'),
      preset('shakespeare'),
      Buffer.from('extends: mini\nportable: {model: {n_layer: 1}}\ntrain: {betas: [0.9, 0.95]}\n'),
      Buffer.from(
        'model: &m {n_layer: 2, n_head: 2, n_embd: 8, n_ctx: 8}\ntrain:\n  max_steps: 3\n  batch_tokens: 16\n',
      ),
      Buffer.from("tokenizer: {type: byte}\ndata:\n  path: [a.txt, 'b c.txt']\ntrain: {max_epochs: 1.5}\n"),
    ],
    hostile: () => [...HOSTILE.map((yaml) => Buffer.from(yaml)), Buffer.from('a: \xff\n', 'latin1')],
    dictionary: [
      '&a ',
      '*a',
      '<<: *a',
      '!!binary ',
      '!!set ',
      '!!map ',
      '!!str ',
      '!x ',
      '? ',
      '- ',
      '|\n',
      '>-\n',
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '%TAG ! !x\n',
      '@',
      '`',
      '~',
      '# ',
      "'",
      'model:',
      'train:',
      'data:',
      'extends:',
      'portable:',
      'n_layer:',
      'max_steps:',
      'max_tokens:',
      'gpt3',
      'case.yaml',
      'mini',
      '2001-12-14',
    ],
    read(path) {
      const { run, print } = loadConfig({ file: path, flags: [] });
      loadConfig({ file: path, flags: [], portable: true });
      const printed = join(dirname(path), 'printed.yaml');
      writeFileSync(printed, print());
      const again = loadConfig({ file: printed, flags: [] }).run;
      consistent(JSON.stringify(again) === JSON.stringify(run), 'print() loads as another configuration');
    },
  },
];
