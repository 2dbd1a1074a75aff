// The values that fine-tuning starts from, and goes back to.

import { MemoryError } from '../base/errors.js';
import { bytes } from '../base/format.js';
import { Random, Stream } from '../base/rng.js';
import { tf } from '../base/tf.js';
import { CheckpointStore } from '../checkpoint/store.js';
import { trainingMemory } from '../config/memory.js';
import type { ResolvedModel } from '../config/model_shape.js';
import type { FinetuneConfig } from '../config/schema.js';
import { type BatchExample, positions } from '../data/task_batch.js';
import type { Gpt } from '../model/gpt.js';
import type { TaskHead } from '../model/heads.js';
import { initialValues } from '../model/init.js';
import type { Parameter } from '../ops/parameter.js';

type Values = ReadonlyMap<string, () => Float32Array>;

/**
 * Values of `shape` from those of a pretrained `base`: the token embedding has new rows at its end, N(0, 0.02) as in
 * OpenAI's code. finetune.init random: all of them new.
 */
export function startingValues(
  pretrained: Values,
  base: ResolvedModel,
  shape: ResolvedModel,
  { finetune, train: { seed } }: FinetuneConfig,
): Values {
  if (finetune.init === 'random') return initialValues(shape, seed);
  const [embedding] = pretrained.keys();
  const read = pretrained.get(embedding!)!;
  const extended = (): Float32Array => {
    const values = new Float32Array(shape.vocab_size * shape.n_embd);
    new Random(seed, Stream.init, 2 ** 20 + 1).fillNormal(values.subarray(base.vocab_size * base.n_embd), 0.02);
    values.set(read());
    return values;
  };
  return new Map([...pretrained, [embedding!, extended]]);
}

/**
 * Bytes that training takes, about. Throws MemoryError, with the number of tokens that fits, when there are not as many: all
 * weights are counted as trained, and a pass as the largest that train.micro_tokens allows.
 */
export function requireTaskMemory(
  shape: ResolvedModel,
  { train: { micro_tokens, recompute, precision } }: FinetuneConfig,
  examples: readonly BatchExample[],
  { available, portable, gpu }: { available: number; portable: boolean; gpu: boolean },
): number {
  const single = examples.reduce((most, example) => Math.max(most, positions([example], shape.n_ctx)), 0);
  const total = (tokens: number) => {
    const microBatch = Math.ceil(Math.max(tokens, single) / shape.n_ctx);
    return trainingMemory(shape, { microBatch, recompute, portable, gpu, bf16: precision === 'bf16' }).total;
  };
  const needed = total(micro_tokens!);
  if (needed <= available) return needed;
  let fits = micro_tokens!;
  while (fits > single && total(fits) > available) fits = Math.floor(fits / 2);
  const what = `fine-tuning this model takes about ${bytes(needed)} of memory, and ${bytes(available)} are available`;
  if (total(fits) <= available) throw new MemoryError(what, `--train.micro_tokens ${fits} fits`);
  throw new MemoryError(what, recompute ? 'take a smaller model' : 'try --train.recompute, or take a smaller model');
}

/** Sets model and head to a checkpoint of their run. Throws DataError when it cannot be read. */
export function restore(dir: string, which: 'best' | 'latest', model: Gpt, head: TaskHead): void {
  const checkpoint = new CheckpointStore(dir).load(which);
  try {
    const adapters = checkpoint.adapter?.values ?? [];
    const values: Values = new Map([...checkpoint.tensors, ...checkpoint.head, ...adapters]);
    const all: Parameter[] = [...model.parameters(), ...head.parameters()];
    for (const { name, shape, value } of all) tf.tidy(() => void value.assign(tf.tensor(values.get(name)!(), shape)));
    for (const parameter of all) parameter.changed();
  } finally {
    checkpoint.close();
  }
}
