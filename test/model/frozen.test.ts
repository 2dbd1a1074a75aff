// Frozen parameters and frozen lower layers: what still learns gets bitwise the gradients that it had, the rest costs nothing.

import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { tf } from '../../src/base/tf.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { type ForwardOptions, Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { accumulateGradients } from '../../src/ops/parameter.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { NEEDS_NATIVE, native } from '../ops/parity.js';
import { ADAMW, smallModel } from './small.js';

const V = 61;
const T = 16;
const modelOf = (arch: ResolvedModel['arch']) => new Gpt(smallModel(arch), initialValues(smallModel(arch), 1));

/** Adds the gradients of a batch; the loss, and the bytes of tensors that the backward pass finds. */
function backward(model: Gpt, step: number, options: ForwardOptions = {}) {
  return tf.tidy(() => {
    const ids = (shift: number) => Int32Array.from({ length: 2 * T }, (_, i) => (i * i + shift) % V);
    const [x, y] = [tf.tensor2d(ids(step), [2, T], 'int32'), tf.tensor2d(ids(step + 7), [2, T], 'int32')];
    const weights = tf.fill([2, T], 1 / (2 * T)) as tf.Tensor2D;
    const before = tf.memory().numBytes;
    let bytes = 0;
    const loss = accumulateGradients(model.parameters(), () => {
      const value = model.loss(x, y, weights, { dropout: { seed: 5, step }, ...options, gradient: true })[0];
      bytes = tf.memory().numBytes - before;
      return value;
    });
    return { loss: loss.dataSync()[0]!, bytes };
  });
}

const gradients = (model: Gpt, names: readonly string[]) =>
  names.map((name) => [name, [...model.params.get(name)!.grad.dataSync()]] as const);
const trained = (model: Gpt) => model.trainable().map(({ name }) => name);

const BACKENDS = ['native', 'cpu'] as const;
const ARCHS = ['gpt1', 'gpt2', 'gpt3'] as const;
const none = (backend: string) => backend === 'native' && native === undefined;

describe.each(BACKENDS)(`on %s${NEEDS_NATIVE}`, (backend) => {
  // one parameter of every kind, alone and with its partner
  const SETS: readonly [string, RegExp][] = [
    ['weights', /(wte|wpe|embed|c_\w+)\.weight$/],
    ['biases of linear layers', /c_\w+\.bias$/],
    ['linear layers', /\.c_/],
    ['layer norms', /ln_\w+\./],
    ['gains', /ln_\w+\.weight$/],
    ['token embeddings', /(wte|tokens_embed)/],
    ['embeddings', /(wte|wpe|embed)/],
  ];
  test.skipIf(none(backend)).each(ARCHS)('%s: frozen parameters change no gradient of the others', async (arch) => {
    await tf.setBackend(backend);
    const whole = modelOf(arch);
    const { loss } = backward(whole, 0);
    for (const [what, pattern] of SETS) {
      const model = modelOf(arch);
      const frozen = model.parameters().filter(({ name }) => pattern.test(name));
      for (const p of frozen) p.trainable = false;
      const names = trained(model);
      expect(names.length, what).toBe(model.parameters().length - frozen.length);
      expect(frozen.length, what).toBeGreaterThan(0);
      const tensors = tf.memory().numTensors;
      expect(backward(model, 0).loss, what).toBe(loss);
      // one gradient buffer for each that learns, none for the frozen
      expect(tf.memory().numTensors - tensors, what).toBe(names.length);
      expect(gradients(model, names), what).toEqual(gradients(whole, names));
      for (const p of frozen)
        expect(
          p.grad.dataSync().every((g: number) => g === 0),
          `${what}: ${p.name}`,
        ).toBe(true);
      model.dispose();
    }
    whole.dispose();
  });

  test.skipIf(none(backend)).each(ARCHS)('%s: frozen lower layers, bitwise and in less memory', async (arch) => {
    await tf.setBackend(backend);
    const whole = modelOf(arch);
    const plain = backward(whole, 0);
    let bytes = plain.bytes;
    for (const n of [1, 2]) {
      for (const recompute of [false, true]) {
        const model = modelOf(arch);
        expect(model.freezeLayers(n)).toBe(n);
        const names = trained(model);
        const above = (name: string) => name.includes('ln_f') || Number(/\.h\.(\d)\./.exec(name)?.[1] ?? -1) >= n;
        expect(names).toEqual(whole.parameters().flatMap(({ name }) => (above(name) ? [name] : [])));
        const got = backward(model, 0, { frozen_layers: n, recompute });
        expect(got.loss).toBe(plain.loss);
        const made = gradients(model, names);
        expect(made).toEqual(gradients(whole, names));
        expect(made.filter(([, g]) => g.every((x) => x === 0))).toEqual([]);
        if (!recompute) {
          expect(got.bytes).toBeLessThan(bytes);
          bytes = got.bytes;
        }
        model.dispose();
      }
    }
    whole.dispose();
    const all = modelOf(arch);
    expect(all.freezeLayers(3)).toBe(3); // all three blocks, and what is above them
    expect(trained(all)).toEqual([]);
    all.dispose();
  });

  test.skipIf(none(backend)).each(['weight', 'bias'])(
    'of the layer norm above the frozen layers only the %s learns',
    async (kind) => {
      await tf.setBackend(backend);
      const [whole, model] = [modelOf('gpt2'), modelOf('gpt2')];
      backward(whole, 0);
      const frozen_layers = model.freezeLayers(2);
      const name = `transformer.h.2.ln_1.${kind}`;
      for (const p of model.parameters()) if (p.name !== name) p.trainable = false;
      backward(model, 0, { frozen_layers });
      expect(gradients(model, [name])).toEqual(gradients(whole, [name]));
      for (const m of [whole, model]) m.dispose();
    },
  );

  test.skipIf(none(backend))('tensors and bytes are constant over steps with frozen layers', async () => {
    await tf.setBackend(backend);
    const model = modelOf('gpt2');
    const frozen_layers = model.freezeLayers(2);
    model.params.get('transformer.h.2.ln_2.weight')!.trainable = false; // its kernel makes its gradient all the same
    const optimizer = new Optimizer(model.trainable(), ADAMW);
    const values = () => new Map(model.parameters().map((p) => [p.name, [...p.value.dataSync()]]));
    const before = values();
    const seen = new Set<string>();
    for (let step = 0; step < 5; step++) {
      backward(model, step, { frozen_layers });
      (await optimizer.update(1e-2)).dispose();
      const { numTensors, numBytes, numDataBuffers } = tf.memory();
      if (step > 0) seen.add(`${numTensors} tensors, ${numDataBuffers} buffers, ${numBytes} bytes`);
    }
    expect([...seen]).toHaveLength(1);
    const changed = [...values()].filter(([name, now]) => String(now) !== String(before.get(name)));
    expect(changed.map(([name]) => name)).toEqual(trained(model));
    optimizer.dispose();
    model.dispose();
  });
});

describe.skipIf(native === undefined)(`all layers frozen, on native${NEEDS_NATIVE}`, () => {
  test.each(ARCHS)('%s: the hidden states are the same, the tape holds nothing of the model', async (arch) => {
    await tf.setBackend('native');
    const model = modelOf(arch);
    const ids = tf.tensor2d(new Int32Array(2 * T).fill(7), [2, T], 'int32');
    const want = tf.tidy(() => [...model.hidden(ids, { dropout: { seed: 5, step: 3 } }).dataSync()]);
    const frozen_layers = model.freezeLayers('all');
    expect(frozen_layers).toBe(3);
    expect(model.trainable()).toEqual([]);
    let got: number[] = [];
    let added = 0;
    const calls = () => [...native!.calls].filter(([name]) => /Grad/.test(name)).map(([, n]) => n);
    const before = calls();
    tf.tidy(() => {
      accumulateGradients([], () => {
        const tensors = tf.memory().numTensors;
        const hidden = tf.tidy(() => model.hidden(ids, { dropout: { seed: 5, step: 3 }, frozen_layers }));
        added = tf.memory().numTensors - tensors;
        got = [...hidden.dataSync()];
        return tf.sum(hidden) as tf.Scalar;
      });
    });
    expect(got).toEqual(want);
    expect(added).toBe(1);
    expect(calls()).toEqual(before);
    ids.dispose();
    model.dispose();
  });

  test('fewer kernels run: no products for frozen weights, nothing below the first layer that learns', async () => {
    await tf.setBackend('native');
    const count = (frozen: number | 'linear') => {
      const model = modelOf('gpt2');
      if (frozen === 'linear') for (const p of model.parameters()) p.trainable = !p.name.includes('.c_');
      const frozen_layers = frozen === 'linear' ? 0 : model.freezeLayers(frozen);
      const before = new Map(native!.calls);
      backward(model, 0, { frozen_layers });
      model.dispose();
      const of = (name: string) => (native!.calls.get(name) ?? 0) - (before.get(name) ?? 0);
      return ['GptLinearGradWeight', 'GptLinearGradInput', 'GptEmbeddingGrad', 'GptAttentionGrad'].map(of);
    };
    expect(count(0)).toEqual([12, 9, 1, 3]);
    expect(count('linear')).toEqual([0, 9, 1, 3]);
    expect(count(2)).toEqual([4, 3, 0, 1]);
    expect(count(3)).toEqual([0, 0, 0, 0]);
  });

  test('more layers than there are', () => {
    const model = modelOf('gpt2');
    expect(() => model.freezeLayers(4)).toThrow(
      new ConfigError('finetune.freeze_layers 4: the model has 3 layers', 'give at most 3, or all'),
    );
    model.dispose();
  });
});
