// What a fine-tuning was done with, beside what GPT-1 was fine-tuned with (Radford et al. 2018, section 4.1).

import type { Json } from '../../base/events.js';
import { dataTable } from '../table.js';
import type { Section } from './section.js';

/** Name, keys of the configuration of which the first that is set counts, and GPT-1's value. */
const SETTINGS: readonly [name: string, keys: readonly string[], gpt1: Json][] = [
  ['weight of the language-modelling loss, λ', ['finetune.lm_coef'], 0.5],
  ['epochs', ['train.max_epochs'], 3],
  ['steps, instead of epochs', ['train.max_steps'], null],
  ['examples per step', ['train.batch_size'], 32],
  ['peak learning rate', ['train.learning_rate'], 6.25e-5],
  ['schedule', ['train.lr_schedule'], 'linear'],
  ['warm-up, share of the steps', ['train.warmup'], 0.002],
  ['dropout before the head', ['finetune.clf_pdrop'], 0.1],
  ['starting weights', ['finetune.init'], null],
];

export const taskSettings: Section = ({ start }) => {
  if (!start.task) return null;
  const rows = SETTINGS.flatMap(([name, keys, gpt1]) => {
    const value = keys.map((key) => valueAt(start.config, key)).find((v) => v !== undefined && v !== null);
    if (value === undefined) return [];
    const differs = gpt1 !== null && value !== gpt1;
    return [{ own: differs, cells: [name, String(value), gpt1 === null ? '-' : String(gpt1)] }];
  });
  if (rows.length === 0) return null;
  const columns = [{ name: '' }, { name: 'this run', numeric: true }, { name: 'GPT-1', numeric: true }];
  return {
    id: 'settings',
    title: 'Beside GPT-1',
    html: `${dataTable(columns, rows)}
<p class="note after">How GPT-1 was fine-tuned (Radford et al. 2018, section 4.1). In bold: what differs.</p>`,
  };
};

function valueAt(config: Json, key: string): Json | undefined {
  let value: Json | undefined = config;
  for (const name of key.split('.')) {
    value = Object.hasOwn(Object(value), name) ? (value as Record<string, Json | undefined>)[name] : undefined;
  }
  return value;
}
