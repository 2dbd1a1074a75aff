// The native backend's promises to any TensorFlow.js program: recycled buffers are never seen from outside, whatever
// stock kernels do with them; logical float32 tensors work however they are stored; errors speak.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { INSTRUCTION_SETS, registerNative } from '../../src/backends/native_backend.js';
import { tf } from '../../src/base/tf.js';
import { attention } from '../../src/ops/attention/attention.js';
import { dropout } from '../../src/ops/dropout/dropout.js';
import { headLoss } from '../../src/ops/head_loss/head_loss.js';
import { layerNorm } from '../../src/ops/layernorm/layernorm.js';
import { linear } from '../../src/ops/linear/linear.js';
import { mlp } from '../../src/ops/mlp/mlp.js';
import { integers, NEEDS_NATIVE, native, tensorOf } from '../ops/parity.js';

const ROWS = 64;
const COLS = 32; // 8 KiB: pooled

/** What a complex tensor holds. */
interface Parts {
  readonly real: tf.TensorInfo;
  readonly imag: tf.TensorInfo;
}

/** A pooled tensor of known content: the layer norm of anything with gain 0 is its bias. */
const pooled = (value: number): tf.Tensor2D =>
  tf.tidy(() => layerNorm(tf.zeros([ROWS, COLS]), tf.zeros([COLS]), tf.fill([COLS], value))) as unknown as tf.Tensor2D;

describe.skipIf(native === undefined)(`native${NEEDS_NATIVE}`, () => {
  beforeEach(async () => {
    await tf.setBackend('native');
    native!.pool.poison = true;
  });
  afterEach(() => {
    native!.pool.poison = false;
    native!.copyViews = false;
  });

  test('a disposed result is recycled, and poisoned until then', () => {
    native!.pool.clear();
    const { reserved } = native!.pool.stats();
    const x = native!.allocate([ROWS, COLS], 'float32');
    const stale = native!.physical(x).fill(1);
    native!.disposeData(x.dataId);
    expect(stale.every(Number.isNaN)).toBe(true);
    const y = native!.allocate([ROWS, COLS], 'float32');
    expect(native!.physical(y).buffer).toBe(stale.buffer);
    expect(native!.pool.stats().reserved).toBe(reserved + 8192);
    native!.disposeData(y.dataId);
  });

  // what a stock kernel returns may show the memory of its input
  const views: Record<string, (x: tf.Tensor2D) => tf.Tensor> = {
    slice: (x) => tf.slice(x, [8, 0], [16, COLS]),
    'slice of a slice': (x) => tf.tidy(() => tf.slice(tf.slice(x, [8, 0], [16, COLS]), [1, 0], [2, COLS])),
    reshape: (x) => tf.reshape(x, [-1]),
    clone: (x) => x.clone(),
    cast: (x) => tf.cast(x, 'float32'),
    unstack: (x) => tf.tidy(() => tf.unstack(x, 0)[3]!),
    split: (x) => tf.tidy(() => tf.split(x, 4)[1]!),
    squeeze: (x) => tf.tidy(() => tf.squeeze(tf.expandDims(x, 0))),
    'real part of a complex number': (x) => tf.tidy(() => tf.real(tf.complex(x, x))),
    'strided slice': (x) => tf.stridedSlice(x, [2, 0], [10, COLS], [1, 1]),
    'a variable': (x) => tf.variable(x),
    'a transposition of one row': (x) => tf.tidy(() => tf.transpose(tf.reshape(x, [1, ROWS * COLS]))),
    'the sum with nothing': (x) => tf.addN([x]),
    'a concatenation of one': (x) => tf.concat([x]),
    'a tile of one': (x) => tf.tile(x, [1, 1]),
    'a padding of nothing': (x) =>
      tf.pad(x, [
        [0, 0],
        [0, 0],
      ]), // prettier-ignore
    'a sum over no axis': (x) => tf.tidy(() => tf.sum(tf.reshape(x, [ROWS, COLS, 1]), 2)),
    relu: (x) => tf.relu(x),
  };
  test.each(Object.keys(views))('%s of a result outlives it', (name) => {
    const x = pooled(3);
    const view = views[name]!(x);
    x.dispose();
    const others = Array.from({ length: 8 }, () => pooled(7)); // take whatever memory is free
    const values = [...view.dataSync()];
    tf.dispose([view, ...others]);
    expect(values.length).toBeGreaterThan(0);
    expect(values.every((v) => v === 3)).toBe(true);
  });

  // what a program would see that kept the typed array of a tensor, which only a bug in a kernel can do
  const isPoison = (values: ArrayLike<number>) => Array.from(values).every(Number.isNaN);

  test.each(Object.keys(views))('%s: its memory is recycled with the last of its tensors, and poisoned', (name) => {
    const inUse = () => native!.pool.stats().reserved - native!.pool.stats().idle;
    const before = inUse();
    const x = pooled(3);
    const stale = native!.physical(x);
    const view = views[name]!(x);
    const staleView = native!.physical(view);
    expect([...staleView].every((v) => v === 3)).toBe(true);
    view.dispose();
    expect([...stale].every((v) => v === 3)).toBe(true);
    x.dispose();
    expect([isPoison(stale), isPoison(staleView)]).toEqual([true, true]);
    expect(inUse()).toBe(before);
  });

  test('with copyViews a freed slice is poisoned while what it was cut from lives, and the other way round', () => {
    native!.copyViews = true;
    const x = pooled(3);
    const [first, second] = tf.split(x, 2) as [tf.Tensor, tf.Tensor];
    const stale = [first, x].map((t) => native!.physical(t));
    first.dispose();
    expect([isPoison(stale[0]!), isPoison(stale[1]!)]).toEqual([true, false]);
    x.dispose();
    expect(isPoison(stale[1]!)).toBe(true);
    expect([...second.dataSync()].every((v) => v === 3)).toBe(true);
    second.dispose();
  });

  test.each([
    false,
    true,
  ])('the parts of a complex tensor live as long as it or who took them, copyViews %s', (copy) => {
    native!.copyViews = copy;
    const [x, y] = [pooled(3), pooled(4)];
    const c = tf.complex(x, y);
    const taken = tf.real(c);
    const { real, imag } = (native!.data.get(c.dataId) as unknown as { complexTensorInfos: Parts }).complexTensorInfos;
    const stale = [real, imag].map((part) => native!.physical(part));
    tf.dispose([x, y]);
    expect(stale.map((values) => values[0])).toEqual([3, 4]);
    c.dispose();
    expect(stale.map(isPoison)).toEqual([copy, true]); // `taken` still shows the real part, unless it is a copy
    expect([...taken.dataSync()].every((v) => v === 3)).toBe(true);
    taken.dispose();
    expect(stale.map(isPoison)).toEqual([true, true]);
  });

  test('a tensor that is freed twice gives its memory back once', () => {
    const x = pooled(3);
    const { dataId } = x;
    const { idle } = native!.pool.stats();
    x.dispose();
    x.dispose();
    native!.disposeData(dataId);
    expect(native!.pool.stats().idle).toBe(idle + 8192);
    const [a, b] = [pooled(1), pooled(2)];
    expect(native!.physical(a).buffer).not.toBe(native!.physical(b).buffer);
    expect(a.dataSync()[0]).toBe(1);
    tf.dispose([a, b]);
  });

  test('with poison, results of stock kernels and small tensors are poisoned too, and the numbers of the caller never', () => {
    const mine = new Float32Array([1, 2, 3]);
    const x = tf.tensor1d(mine);
    const y = tf.cumsum(x); // tfjs-backend-cpu's own kernel
    const stale = [x, y].map((t) => native!.physical(t));
    expect([...y.dataSync()]).toEqual([1, 3, 6]);
    tf.dispose([x, y]);
    expect(stale.map(isPoison)).toEqual([true, true]);
    expect([...mine]).toEqual([1, 2, 3]);
  });

  test('dataSync() and data() return copies', async () => {
    const x = pooled(4);
    const [sync, async] = [x.dataSync(), await x.data()];
    x.dispose();
    pooled(5).dispose();
    expect([...sync, ...async].every((v) => v === 4)).toBe(true);
  });

  test('a float32 tensor that is stored as integers goes through fused ops', () => {
    const ids = integers([2, 4, 6], -3, 4);
    const both = (f: (x: tf.Tensor) => tf.Tensor): [number[], number[]] =>
      tf.tidy(() => {
        const stored = tf.cast(tensorOf(ids), 'float32');
        const real = tensorOf({ shape: ids.shape, data: Float32Array.from(ids.data) });
        return [[...f(stored).dataSync()], [...f(real).dataSync()]];
      });
    const ones = (...shape: number[]) => tf.ones(shape);
    const ops: Record<string, (x: tf.Tensor) => tf.Tensor> = {
      layerNorm: (x) => layerNorm(x, ones(6), ones(6)),
      linear: (x) => linear(x, ones(6, 3), ones(3)),
      mlp: (x) => mlp(x, ones(6, 3), ones(3), ones(3, 6), ones(6), 'gelu'),
      attention: (x) => attention(x, { n_head: 1, window: 4 }),
      dropout: (x) => dropout(x, { p: 0.5, seed: 1, step: 1, site: 1 }),
      headLoss: (x) => headLoss(x, ones(5, 6), tf.ones([2, 4], 'int32'), ones(2, 4), false)[1],
    };
    for (const [name, op] of Object.entries(ops)) {
      const [got, want] = both(op);
      expect(got, name).toEqual(want);
    }
  });

  test('a cast tensor keeps its integers for whoever still holds them', () => {
    const [ids, sum] = tf.tidy(() => {
      const x = tf.tensor1d([1, 2, 3], 'int32');
      const y = layerNorm(tf.reshape(tf.cast(x, 'float32'), [1, 3]), tf.ones([3]), tf.zeros([3]));
      return [x.dataSync(), y.dataSync()];
    });
    expect(ids).toBeInstanceOf(Int32Array);
    expect([...ids]).toEqual([1, 2, 3]);
    expect(sum.length).toBe(3);
  });

  test('such a tensor cannot be updated in place: the integers would change too', () => {
    tf.tidy(() => {
      const shared = tf.cast(tf.zeros([8], 'int32'), 'float32');
      const update = () =>
        native!.call(
          'GptLayerNormGrad',
          [tf.zeros([1, 8]), tf.zeros([8]), tf.zeros([1, 8])],
          [[1, 8], { update: shared }, { update: tf.zeros([8]) }],
          [1, 8, 1],
        ); // prettier-ignore
      expect(update).toThrow('GptLayerNormGrad cannot update integers');
    });
  });

  test('integer inputs of fused ops may come from any op', () => {
    const loss = tf.tidy(() => {
      const targets = tf.cast(tf.tensor2d([[0.2, 1.7]]), 'int32');
      return headLoss(tf.ones([1, 2, 3]), tf.ones([4, 3]), targets, tf.ones([1, 2]), false)[0].dataSync()[0]!;
    });
    expect(loss).toBeCloseTo(2 * Math.log(4), 5);
  });

  test('a kernel that is missing, or called with too little, says so', () => {
    expect(() => native!.call('GptNothing', [], [], [])).toThrow('no native kernel GptNothing');
    const x = tf.zeros([2, 2]);
    expect(() => native!.call('GptDropout', [x], [[2, 2]], [100, 0, 1, 0, 0, 0, 0])).toThrow(
      'GptDropout: input 0 has 4 elements, expected 100',
    );
    x.dispose();
  });

  test('a refused call leaks nothing', () => {
    const x = tf.zeros([2, 2]);
    const before = tf.memory();
    const { reserved, idle } = native!.pool.stats();
    const call = () => tf.tidy(() => layerNorm(x, tf.zeros([2]), tf.zeros([3])));
    expect(call).toThrow();
    expect(tf.memory()).toEqual(before);
    expect(native!.pool.stats()).toEqual({ reserved, idle });
    x.dispose();
  });

  test('more memory than there is: MemoryError, exit code 6, and what to do', () => {
    try {
      native!.allocate([2 ** 30, 2 ** 14], 'float32');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: 'MemoryError', exitCode: 6 });
      expect((error as Error).message).toMatch(/out of memory: cannot allocate .* shape \[1073741824,16384\]/);
    }
  });

  test('it opens once, with an instruction set of the list; kernels are documented', () => {
    expect(registerNative({ threads: 1 })).toBe(native);
    expect(INSTRUCTION_SETS).toContain(native!.isa);
    const kernels = native!.kernels();
    expect(kernels.length).toBeGreaterThan(10);
    expect(kernels.filter(({ name, doc }) => doc === '' || !native!.hasKernel(name))).toEqual([]);
    expect(new Set(kernels.map(({ name }) => name)).size).toBe(kernels.length);
  });

  test('every stock cpu kernel is there', () => {
    const names = new Set(tf.getKernelsForBackend('native').map(({ kernelName }) => kernelName));
    expect(tf.getKernelsForBackend('cpu').filter(({ kernelName }) => !names.has(kernelName))).toEqual([]);
  });
});
