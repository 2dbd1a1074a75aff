// What fine-tuning reads: examples in the layouts of published sets (COPA's XML, STS-B's and CoLA's headerless lines, rows with
// a label), task.json of a fine-tuned checkpoint, and adapter_config.json of a folder of PEFT's.

import { dirname } from 'node:path';
import { readPeftFolder, writePeftFolder } from '../../../src/checkpoint/peft.js';
import { readTaskFile, taskFileText } from '../../../src/checkpoint/task_file.js';
import { adapterShapes } from '../../../src/config/lora.js';
import { resolveModel } from '../../../src/config/model_shape.js';
import { LoraConfig, ModelConfig } from '../../../src/config/schema.js';
import { type ExampleOptions, readExamples, type TaskForm } from '../../../src/data/examples.js';
import { classOf, learnLabels } from '../../../src/data/labels.js';
import { consistent, type Target } from '../target.js';

const COPA = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE copa-corpus SYSTEM "copa.dtd">
<copa-corpus version="1.0">
  <item id="1" asks-for="cause" most-plausible-alternative="1">
    <p>It grew dark &amp; cold.</p>
    <a1>The sun set.</a1>
    <a2>The cat slept.</a2>
  </item>
  <item id="2" asks-for="effect" most-plausible-alternative="2">
    <p>He ran.</p>
    <a1>He slept.</a1>
    <a2>He grew tired.</a2>
  </item>
</copa-corpus>
`;

const STSB = ['main', 'a', 'b', '1', '4.75', 'A cat ran.', 'The cat ran off.'].join('\t');
const COLA = ['gj04\t1\t\tThe cat ran.', 'gj04\t0\t*\tThe ran cat.', 'gj04\t1\t\tOwls "fly.'].join('\n');

async function read(path: string, form: TaskForm, more: Partial<ExampleOptions> = {}): Promise<void> {
  const options = { format: 'auto', columns: {}, labels: 'required', score: false, onBadRow: 'fail' } as const;
  const { examples } = await readExamples([path], { form, ...options, ...more });
  consistent(examples.length > 0, 'no examples and no error');
  for (const { texts, choices, gold } of examples) {
    consistent(
      texts.every((text) => text.trim() !== ''),
      'an empty text',
    );
    if (choices !== undefined) consistent(choices.length >= 2 && Number(gold) < choices.length, 'a choice');
    if (more.score) consistent(Number.isFinite(Number(gold)), 'a score that is no number');
  }
  if (form === 'multiple-choice' || more.score) return;
  const labels = learnLabels(examples, { classNames: null, place: path });
  for (const example of examples) consistent(classOf(labels, example) < labels.names.length, 'a class');
}

const model = resolveModel(ModelConfig.parse({ n_ctx: 4, n_layer: 1, n_head: 1, n_embd: 4 }), 8);
const lora = LoraConfig.parse({ r: 2 });
const adapters = [...adapterShapes(model, lora)].map(([name, shape]) => ({
  name,
  shape,
  data: () => new Float32Array(shape[0] * shape[1]),
}));

/** With a long name, in which most changes do no harm. */
const ADAPTER = {
  ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', base_model_name_or_path: 'models/'.repeat(200) },
  ...{ r: 2, lora_alpha: 16, target_modules: ['c_attn'], fan_in_fan_out: true, bias: 'none' },
};

export const taskTargets: readonly Target[] = [
  {
    name: 'examples COPA',
    file: 'copa.xml',
    text: true,
    seeds: () => [Buffer.from(COPA)],
    hostile: () => [Buffer.from('<copa-corpus>'.repeat(20_000)), Buffer.from('<!ENTITY a "&a;&a;">'), Buffer.from('')],
    dictionary: ['<item', '</item>', 'asks-for="', '&#x110000;', '&lol;', '<![CDATA[', '<!--'],
    read: (path) => read(path, 'multiple-choice'),
    slack: 1 << 20,
  },
  {
    name: 'examples STS-B',
    file: 'sts.csv',
    text: true,
    seeds: () => [Buffer.from(`${`${STSB}\n`.repeat(12)}`)],
    read: (path) => read(path, 'similarity', { score: true }),
    slack: 1 << 20,
  },
  {
    name: 'examples CoLA',
    file: 'cola.tsv',
    text: true,
    seeds: () => [Buffer.from(`${`${COLA}\n`.repeat(4)}`)],
    read: (path) => read(path, 'classification'),
    slack: 1 << 20,
  },
  {
    name: 'task.json',
    file: 'task/task.json',
    text: true,
    seeds: () => [
      Buffer.from(
        taskFileText({
          ...{ form: 'classification', readout: 'pair', lower_case: false, start: 8, delimiter: 9, extract: 10 },
          ...{ kind: 'classes', labels: ['a', 'b'], score: null, format: 'rows', columns: {}, metric: 'accuracy' },
        }),
      ),
    ],
    read: (path) => void readTaskFile(dirname(path)),
  },
  {
    name: 'adapter_config.json',
    file: 'peft/adapter_config.json',
    text: true,
    async prepare(folder) {
      await writePeftFolder(`${folder}/peft`, { config: lora, task: 'CAUSAL_LM', base: '', adapters, modules: [] });
    },
    seeds: () => [Buffer.from(JSON.stringify(ADAPTER, null, 2))],
    read(path) {
      const found = readPeftFolder(dirname(path), model);
      for (const values of found.values.values()) values();
      found.close();
    },
    beside: ['adapter_model.safetensors'],
  },
];
