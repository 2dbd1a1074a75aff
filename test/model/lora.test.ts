// LoRA in the model: against float64, against the gradient of merged weights, against finite differences, and in everything
// else that a model does: dropout, recompute, decoding, bfloat16 products.

import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/base/errors.js';
import { Random, Stream } from '../../src/base/rng.js';
import { tf } from '../../src/base/tf.js';
import { mergeLora } from '../../src/checkpoint/merge.js';
import { adapterShapes, targetedLayers } from '../../src/config/lora.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';
import { type ForwardOptions, Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { KvCache } from '../../src/model/kv_cache.js';
import { initialAdapters, Lora } from '../../src/model/lora.js';
import { maskFactors } from '../../src/ops/dropout/dropout.js';
import { accumulateGradients } from '../../src/ops/parameter.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { difference, NEEDS_NATIVE, native } from '../ops/parity.js';
import { ADAMW, smallModel } from './small.js';

const V = 61;
const T = 16;
const shape = (arch: ResolvedModel['arch'], more: Partial<ResolvedModel> = {}) =>
  smallModel(arch, { n_layer: 2, resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0, ...more });

type Values = Map<string, () => Float32Array<ArrayBuffer>>;

/** Adapters whose B is not zero. */
function adapters(model: ResolvedModel, config: { r: number; target_modules: string[] }): Values {
  let ordinal = 0;
  return new Map(
    [...adapterShapes(model, config)].map(([name, [rows, columns]]) => {
      const data = new Float32Array(rows * columns);
      new Random(9, Stream.test, ordinal++).fillNormal(data, 0.2);
      return [name, () => data];
    }),
  );
}

const ALL = ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj'];
const lora = (target_modules: string[], dropout = 0) => ({ r: 3, alpha: 5, dropout, target_modules });

/** Adds the gradients of a batch of two sequences; returns the loss. */
function backward(model: Gpt, step: number, options: ForwardOptions = {}): number {
  return tf.tidy(() => {
    const ids = (shift: number) => Int32Array.from({ length: 2 * T }, (_, i) => (i * i + shift) % V);
    const [x, y] = [tf.tensor2d(ids(step), [2, T], 'int32'), tf.tensor2d(ids(step + 7), [2, T], 'int32')];
    const weights = tf.fill([2, T], 1 / (2 * T)) as tf.Tensor2D;
    const loss = () =>
      model.loss(x, y, weights, { dropout: { seed: 5, step }, ...options, gradient: true })[0] as tf.Scalar;
    return accumulateGradients(model.parameters(), loss).dataSync()[0]!;
  });
}

const IDS = Int32Array.from({ length: 2 * T }, (_, i) => (7 * i * i + i) % V);
const logitsOf = (model: Gpt) =>
  tf.tidy(() => [...model.logits(model.hidden(tf.tensor2d(IDS, [2, T], 'int32'))).dataSync()]);

const none = (backend: string) => backend === 'native' && native === undefined;
const ARCHS = ['gpt1', 'gpt2', 'gpt3'] as const;

describe('which layers have adapters', () => {
  test('targets are ends of names, as in PEFT', () => {
    const layers = (...targets: string[]) => targetedLayers(shape('gpt2'), targets);
    const of = (...names: string[]) => [0, 1].flatMap((i) => names.map((name) => `transformer.h.${i}.${name}`));
    expect(layers('c_attn')).toEqual(of('attn.c_attn'));
    expect(layers('attn.c_proj')).toEqual(of('attn.c_proj'));
    expect(layers('c_proj')).toEqual(of('attn.c_proj', 'mlp.c_proj'));
    expect(layers('mlp.c_fc', 'c_fc')).toEqual(of('mlp.c_fc'));
    expect(layers(...ALL)).toEqual(of('attn.c_attn', 'attn.c_proj', 'mlp.c_fc', 'mlp.c_proj'));
    expect(layers('h.1.mlp.c_fc')).toEqual(['transformer.h.1.mlp.c_fc']);
    expect(layers('transformer.h.0.attn.c_attn')).toEqual(['transformer.h.0.attn.c_attn']);
  });

  test.each([['q_proj'], ['attn'], ['proj'], ['wte'], ['ln_1'], ['h.2.attn.c_attn'], ['']])('%j is none', (target) => {
    expect(() => targetedLayers(shape('gpt2'), ['c_attn', target])).toThrow(
      new ConfigError(
        `lora.target_modules: "${target}" is the end of no linear layer's name`,
        'name some of c_attn, attn.c_proj, c_fc, mlp.c_proj; c_proj means both of its kind',
      ),
    );
  });
});

test('initial values: A uniform within 1/sqrt(in), a function of the seed and the adapter alone; B zero', () => {
  const config = shape('gpt2', { n_embd: 48, n_inner: 192 });
  const values = initialAdapters(config, { r: 8, target_modules: ALL }, 1);
  expect([...values.keys()].slice(0, 4)).toEqual(
    ['attn.c_attn', 'attn.c_proj'].flatMap((layer) => ['A', 'B'].map((x) => `transformer.h.0.${layer}.lora_${x}`)),
  );
  for (const [name, [rows, columns]] of adapterShapes(config, { r: 8, target_modules: ALL })) {
    const data = values.get(name)!();
    expect(data).toHaveLength(rows * columns);
    if (name.endsWith('.lora_B')) {
      expect(data.every((x) => x === 0)).toBe(true);
      continue;
    }
    const bound = 1 / Math.sqrt(rows);
    const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
    const variance = data.reduce((sum, x) => sum + x * x, 0) / data.length;
    expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.abs(mean)).toBeLessThan(bound / 5);
    expect(variance).toBeGreaterThan(0.85 * (bound ** 2 / 3));
    expect(variance).toBeLessThan(1.15 * (bound ** 2 / 3));
  }
  const name = 'transformer.h.1.mlp.c_fc.lora_A';
  const alone = initialAdapters(config, { r: 8, target_modules: ['h.1.mlp.c_fc'] }, 1).get(name)!();
  expect(alone).toEqual(values.get(name)!());
  expect(alone).not.toEqual(values.get('transformer.h.0.mlp.c_fc.lora_A')!());
  expect(alone).not.toEqual(initialAdapters(config, { r: 8, target_modules: ALL }, 2).get(name)!());
});

describe.each(['native', 'cpu'])(`on %s${NEEDS_NATIVE}`, (backend) => {
  test.skipIf(none(backend)).each([0, 0.4])('the low-rank term equals float64, dropout %d', async (p) => {
    await tf.setBackend(backend);
    const config = shape('gpt2');
    const values = adapters(config, lora(ALL));
    const made = new Lora(config, lora(ALL, p), values);
    const layers = targetedLayers(config, ALL);
    for (const [i, layer] of layers.entries()) {
      const [rows, columns] = [
        made.params.get(`${layer}.lora_A`)!.shape[0]!,
        made.params.get(`${layer}.lora_B`)!.shape[1]!,
      ];
      const [x, y] = [new Float32Array(4 * rows), new Float32Array(4 * columns)];
      new Random(3, Stream.test, i).fillNormal(x, 1);
      new Random(4, Stream.test, i).fillNormal(y, 1);
      const site = 2 ** 16 + i;
      const factors =
        p === 0 ? new Float32Array(x.length).fill(1) : maskFactors(x.length, { p, seed: 5, step: 8, site });
      const [a, b] = ['A', 'B'].map((which) => values.get(`${layer}.lora_${which}`)!());
      const want = Float64Array.from(y, (value, at) => {
        const [row, column] = [Math.floor(at / columns), at % columns];
        let sum = 0;
        for (let k = 0; k < 3; k++) {
          let h = 0;
          for (let c = 0; c < rows; c++) h += x[row * rows + c]! * factors[row * rows + c]! * a![c * 3 + k]!;
          sum += h * b![k * columns + column]!;
        }
        return value + (5 / 3) * sum;
      });
      const got = tf.tidy(() =>
        made
          .add(tf.tensor3d(y, [1, 4, columns]), tf.tensor3d(x, [1, 4, rows]), layer, (q, s) => ({
            p: q,
            seed: 5,
            step: 8,
            site: s,
          }))
          .dataSync(),
      );
      expect(difference(got, want), layer).toBeLessThan(1e-6);
    }
    made.dispose();
  });

  test.skipIf(none(backend)).each(ARCHS)(
    '%s: gradients are those of merged weights, by the chain rule',
    async (arch) => {
      await tf.setBackend(backend);
      // dropout of the model itself does not stand between a weight and its adapter
      const config = shape(arch, { resid_pdrop: 0.1, embd_pdrop: 0.2, attn_pdrop: 0.3 });
      const base = initialValues(config, 1) as Values;
      const values = adapters(config, lora(ALL));
      const model = new Gpt(config, base);
      model.addLora(lora(ALL), values);
      const merged = new Gpt(config, mergeLora(config, base, { config: lora(ALL), values }));
      expect(Math.abs(backward(model, 0) - backward(merged, 0))).toBeLessThan(2e-6);
      expect(difference(logitsOf(model), logitsOf(merged))).toBeLessThan(2e-6);
      const plain = new Gpt(config, base);
      expect(difference(logitsOf(model), logitsOf(plain))).toBeGreaterThan(1e-2);
      plain.dispose();
      for (const layer of targetedLayers(config, ALL)) {
        const [dA, dB] = tf.tidy(() => {
          const d = tf.mul(merged.params.get(`${layer}.weight`)!.grad, 5 / 3) as tf.Tensor2D;
          const [a, b] = ['A', 'B'].map(
            (x) => model.lora!.params.get(`${layer}.lora_${x}`)!.value as tf.Variable<tf.Rank.R2>,
          );
          return [tf.matMul(d, b!, false, true).dataSync(), tf.matMul(a!, d, true, false).dataSync()];
        });
        for (const [x, want] of [
          ['A', dA!],
          ['B', dB!],
        ] as const) {
          const got = model.lora!.params.get(`${layer}.lora_${x}`)!.grad.dataSync();
          expect(difference(got, want), `${layer}.lora_${x}`).toBeLessThan(1e-5);
          expect(Math.max(...want.map(Math.abs))).toBeGreaterThan(1e-3);
        }
      }
      for (const p of [model, merged]) p.dispose();
    },
  );

  test.skipIf(none(backend)).each(['gelu_new', 'gelu'] as const)(
    'with dropout, by finite differences, %s',
    async (form) => {
      await tf.setBackend(backend);
      const config = shape('gpt2', { activation_function: form, resid_pdrop: 0.1 });
      for (const targets of [...ALL.map((target) => [target]), ALL]) {
        const values = adapters(config, lora(targets));
        const lossAt = (h: number, direction: ReadonlyMap<string, Float32Array>) => {
          const model = new Gpt(config, initialValues(config, 1));
          const moved = new Map(
            [...values].map(([name, read]) => {
              const d = direction.get(name);
              return [name, () => read().map((x, i) => x + h * (d?.[i] ?? 0))] as const;
            }),
          );
          model.addLora(lora(targets, 0.3), moved);
          const loss = backward(model, 2);
          const gradients = new Map(model.trainable().map((p) => [p.name, p.grad.dataSync().slice() as Float32Array]));
          model.dispose();
          return { loss, gradients };
        };
        const { gradients } = lossAt(0, new Map());
        expect([...gradients.keys()]).toEqual([...adapterShapes(config, lora(targets)).keys()]);
        const norm = Math.sqrt([...gradients.values()].reduce((sum, g) => sum + g.reduce((s, x) => s + x * x, 0), 0));
        const direction = new Map([...gradients].map(([name, g]) => [name, g.map((x) => x / norm)]));
        const h = 1e-2 / Math.max(1, norm);
        const slope = (lossAt(h, direction).loss - lossAt(-h, direction).loss) / (2 * h);
        expect(Math.abs(slope / norm - 1), targets.join(' ')).toBeLessThan(2e-3);
      }
    },
  );

  test.skipIf(none(backend))('new adapters change nothing, and only they learn', async () => {
    await tf.setBackend(backend);
    for (const arch of ARCHS) {
      const config = shape(arch);
      const plain = new Gpt(config, initialValues(config, 1));
      for (const targets of [['c_attn', 'attn.c_proj'], ALL]) {
        const model = new Gpt(config, initialValues(config, 1));
        model.addLora(lora(targets), initialAdapters(config, lora(targets), 1));
        // a fused MLP has its own exponential: without it the last bit differs
        if (backend === 'cpu' || targets.length === 2) expect(logitsOf(model)).toEqual(logitsOf(plain));
        else expect(difference(logitsOf(model), logitsOf(plain))).toBeLessThan(1e-6);
        expect(model.trainable().map(({ name }) => name)).toEqual([...adapterShapes(config, lora(targets)).keys()]);
        expect(model.parameters()).toHaveLength(model.params.size + model.trainable().length);
        model.dispose();
      }
      plain.dispose();
    }
  });

  test.skipIf(none(backend))('tensors and bytes are constant over steps, the loss falls, the base stays', async () => {
    await tf.setBackend(backend);
    const config = shape('gpt3', { resid_pdrop: 0.1 });
    const model = new Gpt(config, initialValues(config, 1));
    model.addLora(lora(ALL, 0.1), initialAdapters(config, lora(ALL), 1));
    const optimizer = new Optimizer(model.trainable(), ADAMW);
    const before = new Map([...model.params].map(([name, p]) => [name, [...p.value.dataSync()]]));
    const seen = new Set<string>();
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      losses.push(backward(model, 3, { dropout: { seed: 5, step } }));
      (await optimizer.update(3e-2)).dispose();
      const { numTensors, numBytes, numDataBuffers } = tf.memory();
      if (step > 0) seen.add(`${numTensors} tensors, ${numDataBuffers} buffers, ${numBytes} bytes`);
    }
    expect([...seen]).toHaveLength(1);
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
    for (const [name, p] of model.params) expect([...p.value.dataSync()], name).toEqual(before.get(name));
    optimizer.dispose();
    const tensors = tf.memory().numTensors;
    const parameters = model.parameters().length + model.trainable().length; // values, and gradients of adapters
    model.dispose();
    expect(tensors - tf.memory().numTensors).toBe(parameters + 4 + 1); // biases of four sizes, alpha / r
  });

  test.skipIf(none(backend)).each(ARCHS)('%s decodes with a cache what it computes without', async (arch) => {
    await tf.setBackend(backend);
    const config = shape(arch);
    const model = new Gpt(config, initialValues(config, 1));
    model.addLora(lora(ALL, 0.5), adapters(config, lora(ALL)));
    const want = logitsOf(model);
    const cache = new KvCache(config.n_layer, T);
    const got: number[][] = [[], []];
    for (const [from, to] of [
      [0, 5],
      [5, 6],
      [6, 7],
      [7, T],
    ] as const) {
      const ids = [0, 1].flatMap((b) => [...IDS.slice(b * T + from, b * T + to)]);
      const part = tf.tidy(() => [
        ...model.logits(model.hidden(tf.tensor2d(ids, [2, to - from], 'int32'), { cache })).dataSync(),
      ]);
      for (const b of [0, 1]) got[b]!.push(...part.slice((b * part.length) / 2, ((b + 1) * part.length) / 2));
    }
    cache.dispose();
    model.dispose();
    expect(difference(got.flat(), want)).toBeLessThan(2e-6);
  });
});

describe.skipIf(native === undefined)(`fused kernels${NEEDS_NATIVE}`, () => {
  const run = (config: ResolvedModel, { bf16 = false, targets = ALL, recompute = false, p = 0.2 } = {}) => {
    const model = new Gpt(config, initialValues(config, 1), bf16);
    model.addLora(lora(targets, p), adapters(config, lora(targets)));
    const losses = [0, 1].map((step) => backward(model, step, { recompute }));
    const gradients = model.trainable().map((param) => [...param.grad.dataSync()]);
    model.dispose();
    return { losses, gradients };
  };

  test.each(ARCHS)('%s: recompute is bitwise the same', async (arch) => {
    await tf.setBackend('native');
    const config = shape(arch, { resid_pdrop: 0.1, attn_pdrop: 0.1 });
    const tensors = tf.memory().numTensors;
    expect(run(config, { recompute: true })).toEqual(run(config));
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('the native kernels give what stock ops give, with dropout', async () => {
    const config = shape('gpt3', { resid_pdrop: 0.1, attn_pdrop: 0.1 });
    await tf.setBackend('cpu');
    const want = run(config);
    await tf.setBackend('native');
    const got = run(config);
    expect(difference(got.losses, want.losses)).toBeLessThan(1e-6);
    expect(got.gradients.map((g, i) => difference(g, want.gradients[i]!)).filter((d) => !(d < 5e-6))).toEqual([]);
  });

  test('products of bfloat16: near, and not the same', async () => {
    await tf.setBackend('native');
    const config = shape('gpt2');
    const [want, got] = [run(config), run(config, { bf16: true })];
    expect(difference(got.losses, want.losses)).toBeLessThan(1e-2);
    expect(got.losses).not.toEqual(want.losses);
    for (const [i, g] of got.gradients.entries()) {
      const reference = want.gradients[i]!;
      const error = Math.hypot(...g.map((x, k) => x - reference[k]!)) / Math.hypot(...reference);
      expect(error).toBeLessThan(0.1);
    }
  });

  test('no product is made for the frozen weights', async () => {
    await tf.setBackend('native');
    const count = (targets: string[]) => {
      const before = new Map(native!.calls);
      run(shape('gpt2'), { targets });
      const of = (name: string) => ((native!.calls.get(name) ?? 0) - (before.get(name) ?? 0)) / 2; // two passes
      return ['GptLinearGradWeight', 'GptMlpGradHidden', 'GptEmbeddingGrad'].map(of);
    };
    expect(count(['c_attn'])).toEqual([4, 2, 0]);
    expect(count(ALL)).toEqual([16, 0, 0]);
  });
});

test('a second set of adapters is refused, and an unknown target leaves the model as it was', async () => {
  await tf.setBackend('cpu');
  const config = shape('gpt2');
  const model = new Gpt(config, initialValues(config, 1));
  expect(() => model.addLora(lora(['q_proj']), new Map())).toThrow(ConfigError);
  expect(model.lora).toBeUndefined();
  expect(model.trainable()).toHaveLength(model.params.size);
  model.addLora(lora(ALL), adapters(config, lora(ALL)));
  expect(() => model.addLora(lora(ALL), adapters(config, lora(ALL)))).toThrow(/^internal: the model has adapters/);
  model.dispose();
});
