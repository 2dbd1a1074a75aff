// Weights stored as bfloat16: the numbers of the same weights rounded beforehand, in half the memory.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toBfloat16, toFloat32 } from '../../src/base/array.js';
import { tf } from '../../src/base/tf.js';
import { resolveModel } from '../../src/config/model_shape.js';
import { ModelConfig } from '../../src/config/schema.js';
import { Gpt } from '../../src/model/gpt.js';
import { initialValues } from '../../src/model/init.js';
import { KvCache } from '../../src/model/kv_cache.js';
import { registerCoreKernels } from '../../src/ops/core/register.js';
import { NEEDS_NATIVE, native } from '../ops/parity.js';

const rounded = (values: Float32Array): Float32Array => {
  const halves = toBfloat16(values);
  return toFloat32({ dtype: 'BF16', shape: [halves.length], bytes: new Uint8Array(halves.buffer) });
};

describe.skipIf(native === undefined)(`bfloat16 weights${NEEDS_NATIVE}`, () => {
  beforeAll(async () => {
    registerCoreKernels(native!, 'native');
    await tf.setBackend('native');
  });
  afterAll(() => {
    native!.pool.poison = false;
  });

  const shape = resolveModel(ModelConfig.parse({ n_layer: 2, n_head: 3, n_embd: 96, n_ctx: 24 }), 521);

  /** Logits of a prompt of five tokens and of `after` more, one at a time, for a batch of B. */
  function decode(model: Gpt, B: number, after: number): number[] {
    const cache = new KvCache(shape.n_layer, shape.n_ctx);
    const out: number[] = [];
    for (let i = 0; i <= after; i++) {
      const ids = Int32Array.from({ length: B * (i === 0 ? 5 : 1) }, (_, j) => (37 * (i + j)) % 521);
      tf.tidy(() => {
        const hidden = model.hidden(tf.tensor2d(ids, [B, ids.length / B], 'int32'), { cache });
        out.push(...model.logits(hidden).dataSync());
      });
    }
    cache.dispose();
    return out;
  }

  test.each([1, 3, 6])('a model decodes a batch of %i with the bits of rounded float32 weights', (B) => {
    native!.pool.poison = true;
    const values = initialValues(shape, 7);
    const matrices = new Set([...values.keys()].filter((name) => !/\.bias$|ln_/.test(name)));
    const narrowed = new Gpt(shape, values);
    for (const p of narrowed.parameters()) if (p.shape.length === 2) native!.narrow(p.value);
    const exact = new Gpt(
      shape,
      new Map([...values].map(([name, read]) => [name, matrices.has(name) ? () => rounded(read()) : read])),
    );
    expect(decode(narrowed, B, 4)).toEqual(decode(exact, B, 4));
    const wte = (model: Gpt) => model.params.get('transformer.wte.weight')!.value.dataSync();
    expect(wte(narrowed)).toEqual(wte(exact));
    narrowed.dispose();
    exact.dispose();
  });

  test('it takes half the memory, is read as float32, and stock kernels see float32', () => {
    native!.pool.poison = false;
    native!.pool.clear();
    const values = Float32Array.from({ length: 65536 }, (_, i) => Math.sin(i));
    const before = native!.pool.stats();
    const x = tf.variable(tf.tensor2d(values, [256, 256]));
    native!.narrow(x);
    expect(native!.physical(x, true)).toBeInstanceOf(Uint16Array);
    native!.pool.clear();
    expect(native!.pool.stats().reserved - before.reserved).toBeLessThanOrEqual(131072);
    const want = rounded(values);
    expect(x.dataSync()).toEqual(want);
    // a kernel of ours that reads no bfloat16, and one of tfjs-backend-cpu's
    expect(tf.tidy(() => tf.neg(x).dataSync())).toEqual(want.map((v) => -v));
    expect(tf.tidy(() => tf.reverse(x).dataSync())).toEqual(
      want.toReversed().map((_, i) => want[(255 - (i >> 8)) * 256 + 255 - (i & 255)]!),
    );
    x.dispose();
  });
});
