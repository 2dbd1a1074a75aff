// Activation checkpointing: bitwise the same losses and gradients, fewer bytes alive, nothing left behind.

import { describe, expect, test } from 'vitest';
import { tf } from '../../src/base/tf.js';
import { trainingMemory } from '../../src/config/memory.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { accumulateGradients } from '../../src/ops/parameter.js';
import { NEEDS_NATIVE, native } from '../ops/parity.js';
import { smallModel } from './small.js';

const V = 61;
const T = 32;
const shape = (arch: ResolvedModel['arch'], n_layer: number) => smallModel(arch, { n_layer, n_ctx: T });

/** Two micro-batches; the bytes of the tensors that are alive when the backward pass of the second begins. */
function run(model: Gpt, recompute: boolean) {
  let bytes = 0; //  of TF.js's tensors, shared memory counted again
  let pooled = 0; // of memory in use
  const inUse = () => (native === undefined ? 0 : native.pool.stats().reserved - native.pool.stats().idle);
  const ids = (shift: number) => Int32Array.from({ length: 2 * T }, (_, i) => (i * i + shift) % V);
  const losses = [0, 1].map((micro) =>
    tf.tidy(() => {
      const [x, y] = [tf.tensor2d(ids(micro), [2, T], 'int32'), tf.tensor2d(ids(micro + 7), [2, T], 'int32')];
      const weights = tf.fill([2, T], 1 / (4 * T)) as tf.Tensor2D;
      const before = { bytes: tf.memory().numBytes, pooled: inUse() };
      const loss = (): tf.Scalar => {
        const options = { dropout: { seed: 5, step: micro }, recompute, gradient: true };
        const value = model.loss(x, y, weights, options)[0];
        bytes = tf.memory().numBytes - before.bytes;
        pooled = inUse() - before.pooled;
        return value;
      };
      return accumulateGradients(model.parameters(), loss).dataSync()[0]!;
    }),
  );
  const gradients = model.parameters().map((p) => [...p.grad.dataSync()]);
  for (const p of model.parameters()) tf.tidy(() => void p.grad.assign(tf.zerosLike(p.grad)));
  return { losses, gradients, bytes, pooled };
}

describe.skipIf(native === undefined)(`train.recompute on native${NEEDS_NATIVE}`, () => {
  test.each(['gpt1', 'gpt2', 'gpt3'] as const)('%s: bitwise the same, in less memory', async (arch) => {
    await tf.setBackend('native');
    const model = new Gpt(shape(arch, 6), initialValues(shape(arch, 6), 1));
    const plain = run(model, false);
    const tensors = tf.memory().numTensors;
    const again = run(model, true);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(again.losses).toEqual(plain.losses);
    expect(again.gradients).toEqual(plain.gradients);
    expect(plain.gradients.flat().some((g) => g !== 0)).toBe(true);
    expect(again.bytes).toBeLessThan(plain.bytes / 3);
    model.dispose();
  });

  test.each(['gpt1', 'gpt2', 'gpt3'] as const)('%s: what is alive is what config/memory.ts says', async (arch) => {
    await tf.setBackend('native');
    // sizes that the pool does not round up
    const even = { resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0, n_ctx: T, n_head: 16, n_embd: 64, n_inner: 256 };
    for (const recompute of [false, true]) {
      const [two, eight] = [2, 8].map((layers) => {
        const config = { ...shape(arch, layers), ...even };
        const model = new Gpt(config, initialValues(config, 1));
        const { pooled } = run(model, recompute);
        model.dispose();
        return { pooled, predicted: trainingMemory(config, { microBatch: 2, recompute }).activations };
      });
      expect(eight!.pooled - two!.pooled).toBe(eight!.predicted - two!.predicted);
    }
  });
});

test('on a backend without fused kernels it changes nothing', async () => {
  await tf.setBackend('cpu');
  const model = new Gpt(shape('gpt2', 2), initialValues(shape('gpt2', 2), 1));
  const plain = run(model, false);
  const again = run(model, true);
  expect([again.losses, again.gradients]).toEqual([plain.losses, plain.gradients]);
  model.dispose();
});
