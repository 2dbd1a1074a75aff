// Tokens per second of a fine-tuning step beside a pretraining step of the same batch shape, same model, same minute:
//
//   node test/bench/finetune_speed.mjs [--rounds 15]      one JSON line; nothing else should run
//
// Both steps are the training loop's own (train/step.ts), with dropout, clipping and the optimizer; batches have no padding.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { registerNative } from '../../dist/backends/native_backend.js';
import { tf } from '../../dist/base/tf.js';
import { resolveModel } from '../../dist/config/model_shape.js';
import { FinetuneConfig, ModelConfig } from '../../dist/config/schema.js';
import { toBatch } from '../../dist/data/task_batch.js';
import { Gpt } from '../../dist/model/gpt.js';
import { initialHead, TaskHead } from '../../dist/model/heads.js';
import { initialValues } from '../../dist/model/init.js';
import { registerCoreKernels } from '../../dist/ops/core/register.js';
import { languageLosses } from '../../dist/train/language_model.js';
import { Optimizer } from '../../dist/train/optimizer.js';
import { trainStep } from '../../dist/train/step.js';
import { taskLoss } from '../../dist/train/task.js';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const backend = registerNative({ threads: availableParallelism() });
registerCoreKernels(backend, 'native');
await tf.setBackend('native');

const drop = { resid_pdrop: 0.1, embd_pdrop: 0.1, attn_pdrop: 0.1 };
const V = 8195;
const shape = resolveModel(ModelConfig.parse({ n_ctx: 256, n_layer: 6, n_head: 8, n_embd: 256, ...drop }), V);
const model = new Gpt(shape, initialValues(shape, 1));
const form = { kind: 'classes', readout: 'pair', outputs: 2 };
const head = new TaskHead(form, shape.n_embd, initialHead(form, shape.n_embd, 1));
const config = FinetuneConfig.parse({});
const optimizer = new Optimizer([...model.parameters(), ...head.parameters()], config.train);

const results = [];
for (const [B, T] of [
  [32, 24],
  [32, 64],
  [16, 256],
]) {
  const ids = () => Int32Array.from({ length: T }, (_, i) => (i * 7919) % V);
  const batch = toBatch(
    Array.from({ length: B }, () => ({ sequences: [ids()], target: 1, weight: 1 })),
    T,
  );
  const text = { B, T, x: batch.x, y: batch.x };
  const steps = {
    pretrain: (n) => languageLosses(model, [() => text], { seed: 1, micro: n }),
    finetune: (n) => [
      () =>
        taskLoss({ model, head, config, frozenLayers: 0 }, batch, { task: 1 / B, lm: 0.5 / B }, { seed: 1, step: n }),
    ],
  };
  const times = { pretrain: [], finetune: [] };
  for (let round = -2; round < Number(values.rounds); round++) {
    for (const [name, losses] of Object.entries(steps)) {
      const started = performance.now();
      await trainStep({ optimizer, losses: losses(round + 2), lr: 1e-4 });
      if (round >= 0) times[name].push(performance.now() - started);
    }
  }
  const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const rate = (name) => Math.round((B * T * 1000) / median(times[name]));
  const [pretrain, finetune] = [rate('pretrain'), rate('finetune')];
  results.push({ B, T, pretrain, finetune, ratio: Number((finetune / pretrain).toFixed(3)) });
}
console.log(JSON.stringify({ threads: availableParallelism(), parameters: 6_900_000, results }));
