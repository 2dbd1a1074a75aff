// Trains adapters, and a model with frozen lower layers, for a few steps on one backend: run as a process of its own by
// adapters.test.ts, whose simulated GPU a process must find when it starts.
//
//   node test/cuda/adapter_run.mjs native|cuda [bf16]
//
// Prints one line of JSON, for each kind: losses, gradients of the first step, how many tensors, and on a GPU buffers and
// bytes, there are after each step but the first, and the kernels that were called.
// It runs what `npm run build` made in dist/.
import { registerCuda } from '../../dist/backends/cuda_backend.js';
import { registerNative } from '../../dist/backends/native_backend.js';
import { tf } from '../../dist/base/tf.js';
import { resolveModel } from '../../dist/config/model_shape.js';
import { ModelConfig, TrainConfig } from '../../dist/config/schema.js';
import { Gpt } from '../../dist/model/gpt.js';
import { initialValues } from '../../dist/model/init.js';
import { initialAdapters } from '../../dist/model/lora.js';
import { registerCoreKernels } from '../../dist/ops/core/register.js';
import { accumulateGradients } from '../../dist/ops/parameter.js';
import { Optimizer } from '../../dist/train/optimizer.js';

const [name, precision] = process.argv.slice(2);
const backend = name === 'cuda' ? registerCuda({ env: process.env }) : registerNative({});
registerCoreKernels(backend, name);
await tf.setBackend(name);

const [B, T, V, STEPS] = [2, 16, 67, 4];
const dropout = { attn_pdrop: 0.1, resid_pdrop: 0.1, embd_pdrop: 0.1 };
const shape = resolveModel(
  ModelConfig.parse({ n_ctx: T, n_layer: 3, n_head: 2, n_embd: 128, n_inner: 136, ...dropout }),
  V,
);

async function train(prepare) {
  const model = new Gpt(shape, initialValues(shape, 1), precision === 'bf16');
  const options = prepare(model);
  const optimizer = new Optimizer(model.trainable(), TrainConfig.parse({}));
  const tensors = (read) => Object.fromEntries(model.trainable().map((p) => [p.name, [...read(p).dataSync()]]));
  const result = { losses: [], left: [] };
  for (let step = 0; step < STEPS; step++) {
    tf.tidy(() => {
      const ids = (shift) =>
        tf.tensor2d(
          Int32Array.from({ length: B * T }, (_, i) => (i * i + shift) % V),
          [B, T],
          'int32',
        );
      const [x, y, weights] = [ids(0), ids(5), tf.fill([B, T], 1 / (B * T))];
      const forward = { dropout: { seed: 5, step }, gradient: true, ...options };
      const loss = accumulateGradients(model.trainable(), () => model.loss(x, y, weights, forward)[0]);
      result.losses.push(loss.dataSync()[0]);
    });
    if (step === 0) result.gradients = tensors((p) => p.grad);
    (await optimizer.update(1e-2)).dispose();
    const { numTensors, numDataBuffers } = tf.memory();
    const { live, used } = name === 'cuda' ? backend.deviceMemory() : {};
    if (step > 0) result.left.push({ numTensors, numDataBuffers, live, used });
  }
  optimizer.dispose();
  model.dispose();
  return result;
}

const target_modules = ['c_attn', 'c_proj', 'c_fc']; // all four
const lora = (r, recompute) => (model) => {
  const config = { r, alpha: 6, dropout: 0.2, target_modules };
  // a B of zeros would leave A without a gradient
  const values = [...initialAdapters(shape, config, 1)].map(([name, read]) => [
    name,
    () => (name.endsWith('_B') ? read().map((_, i) => 0.05 * Math.sin(i)) : read()),
  ]);
  model.addLora(config, new Map(values));
  return { recompute };
};
const frozen = (model) => {
  model.params.get('transformer.h.2.ln_2.weight').trainable = false;
  return { frozen_layers: model.freezeLayers(2) };
};
process.stdout.write(
  `${JSON.stringify({ lora: await train(lora(4, false)), recompute: await train(lora(3, true)), frozen: await train(frozen) })}\n`,
);
