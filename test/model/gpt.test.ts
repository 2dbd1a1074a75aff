// The model in training: dropout and accumulation on every backend, gradients of what a batch does not use, and memory.

import { afterEach, describe, expect, test } from 'vitest';
import { Random, Stream } from '../../src/base/rng.js';
import { tf } from '../../src/base/tf.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { accumulateGradients } from '../../src/ops/parameter.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { difference, NEEDS_NATIVE, native } from '../ops/parity.js';
import { ADAMW, smallModel } from './small.js';

const small = (arch: ResolvedModel['arch']) => smallModel(arch, { n_ctx: 24 });

const random = new Random(3, Stream.test);
const batch = (B: number, T: number, V: number) => ({
  B,
  T,
  x: Int32Array.from({ length: B * T }, () => random.below(V)),
  y: Int32Array.from({ length: B * T }, (_, i) => (i % 5 === 2 ? -1 : random.below(V))),
});
type TestBatch = ReturnType<typeof batch>;

/** Adds the gradients of one micro-batch; returns the loss. */
function backward(model: Gpt, { B, T, x, y }: TestBatch, step: number | undefined, recompute = false): number {
  return tf.tidy(() => {
    const [ids, targets] = [tf.tensor2d(x, [B, T], 'int32'), tf.tensor2d(y, [B, T], 'int32')];
    const weights = tf.fill([B, T], 1 / (B * T)) as tf.Tensor2D;
    const dropout = step === undefined ? undefined : { seed: 5, step };
    const loss = () => model.loss(ids, targets, weights, { dropout, recompute, gradient: true })[0];
    return accumulateGradients(model.parameters(), loss).dataSync()[0]!;
  });
}

describe.skipIf(native === undefined)(`native against cpu${NEEDS_NATIVE}`, () => {
  test.each(['gpt1', 'gpt2', 'gpt3'] as const)('%s with dropout, two micro-batches, T < n_ctx', async (arch) => {
    const config = small(arch);
    const batches = [batch(2, 17, 61), batch(2, 17, 61)];
    const run = async (backend: string) => {
      await tf.setBackend(backend);
      const model = new Gpt(config, initialValues(config, 1));
      const losses = batches.map((b, i) => backward(model, b, i));
      const without = tf.tidy(() => backward(model, batches[0]!, undefined));
      const gradients = model.parameters().map((p) => [p.name, p.grad.dataSync().slice()] as const);
      model.dispose();
      return { losses, without, gradients: new Map(gradients) };
    };
    const want = await run('cpu');
    const got = await run('native');
    expect(difference(got.losses, want.losses)).toBeLessThan(1e-6);
    expect(Math.abs(got.without - got.losses[0]!)).toBeGreaterThan(1e-3); // dropout did something
    const problems = [...want.gradients].filter(([name, g]) => !(difference(got.gradients.get(name)!, g) < 5e-6));
    expect(problems.map(([name]) => name)).toEqual([]);
    const dead = [...got.gradients].filter(([, g]) => g.every((v: number) => v === 0));
    expect(dead.map(([name]) => name)).toEqual([]);
  });
});

describe.each(['native', 'cpu'])('on %s', (backend) => {
  const none = backend === 'native' && native === undefined;

  test.skipIf(none)('positions and tokens that no batch used have a zero gradient', async () => {
    await tf.setBackend(backend);
    const config = { ...small('gpt2'), vocab_size: 61 };
    const model = new Gpt(config, initialValues(config, 1));
    backward(model, batch(1, 4, 10), 0);
    const wpe = model.params.get('transformer.wpe.weight')!.grad.dataSync();
    model.dispose();
    expect(wpe.subarray(0, 4 * 36).some((g: number) => g !== 0)).toBe(true);
    expect(wpe.subarray(4 * 36).every((g: number) => g === 0)).toBe(true);
  });

  test.skipIf(none)('the number of tensors and their bytes are constant over 20 training steps', async () => {
    await tf.setBackend(backend);
    const config = small('gpt3');
    const model = new Gpt(config, initialValues(config, 1));
    const optimizer = new Optimizer(model.parameters(), ADAMW);
    const seen = new Set<string>();
    const losses: number[] = [];
    const one = batch(2, 16, 61);
    for (let step = 0; step < 20; step++) {
      losses.push(backward(model, one, step));
      (await optimizer.update(1e-2)).dispose();
      const { numTensors, numBytes, numDataBuffers } = tf.memory();
      if (step > 0) seen.add(`${numTensors} tensors, ${numDataBuffers} buffers, ${numBytes} bytes`);
    }
    optimizer.dispose();
    model.dispose();
    expect([...seen].length, [...seen].join('; ')).toBe(1);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
  });
});

describe.skipIf(native === undefined)(`memory of a step on native${NEEDS_NATIVE}`, () => {
  afterEach(() => {
    native!.pool.poison = false;
  });

  const wide: ResolvedModel = {
    ...small('gpt2'),
    n_layer: 8,
    n_embd: 96,
    n_inner: 384,
    n_ctx: 64,
    resid_pdrop: 0,
    embd_pdrop: 0,
    attn_pdrop: 0,
  }; // prettier-ignore

  test('peaks below 1.25 times what the forward pass must keep, and grows no more after the first step', async () => {
    await tf.setBackend('native');
    const model = new Gpt(wide, initialValues(wide, 1));
    const one = batch(4, 64, 61);
    native!.pool.clear();
    const before = native!.pool.stats().reserved;
    backward(model, one, 0);
    const peak = native!.pool.stats().reserved - before;
    for (let step = 1; step < 5; step++) backward(model, one, step);
    const later = native!.pool.stats().reserved - before;
    const { n_embd: C, n_inner: F, n_layer } = wide;
    // per token and layer: two residual sums, two layer norms, q, k, v, attention; the MLP before and after GELU
    const kept = 4 * one.B * one.T * n_layer * (8 * C + 2 * F);
    model.dispose();
    expect(peak / kept, 'peak / kept').toBeLessThan(1.25);
    expect(later).toBe(peak);
  });

  test.each([0, 0.2])('overwriting freed buffers changes no bit of the gradients, dropout %d', async (p) => {
    await tf.setBackend('native');
    const config = { ...wide, resid_pdrop: p, embd_pdrop: p, attn_pdrop: p };
    const one = batch(4, 64, 61);
    const run = (poison: boolean) => {
      native!.pool.poison = poison;
      const model = new Gpt(config, initialValues(config, 1));
      const losses = [0, 1, 2].map((step) => backward(model, one, step));
      const gradients = model
        .parameters()
        .map((param) => Buffer.from(param.grad.dataSync().slice().buffer).toString('base64'));
      model.dispose();
      return { losses, gradients };
    };
    const plain = run(false);
    const poisoned = run(true);
    expect(poisoned.losses).toEqual(plain.losses);
    expect(plain.losses.every(Number.isFinite)).toBe(true);
    expect(poisoned.gradients.filter((g, i) => g !== plain.gradients[i]).length).toBe(0);
  });
});

test.skipIf(native === undefined)(`an addon that lacks a fused kernel is refused${NEEDS_NATIVE}`, async () => {
  await tf.setBackend('native');
  const has = native!.hasKernel.bind(native);
  native!.hasKernel = (name) => name !== 'GptAttention' && has(name);
  try {
    const make = () => new Gpt(small('gpt2'), initialValues(small('gpt2'), 1));
    expect(make).toThrow(/backend native lacks the kernels GptAttention/);
  } finally {
    native!.hasKernel = has;
  }
});
