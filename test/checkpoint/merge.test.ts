// Merging adapters into weights: W + (alpha / r) A B in float64, rounded once.

import { expect, test } from 'vitest';
import { mergeLora } from '../../src/checkpoint/merge.js';
import { adapterShapes, targetedLayers } from '../../src/config/lora.js';
import { parameterShapes } from '../../src/config/parameters.js';
import { tinyModel } from './tiny_checkpoint.js';

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const waves = (shapes: Iterable<[string, readonly number[]]>) =>
  new Map(
    [...shapes].map(([name, shape], k) => [
      name,
      () => Float32Array.from({ length: size(shape) }, (_, i) => Math.sin(100 * k + i)),
    ]),
  );

test('targeted weights get the product, all others stay', () => {
  const config = { r: 3, alpha: 7, target_modules: ['c_attn', 'mlp.c_proj'] };
  const tensors = waves(parameterShapes(tinyModel));
  const values = waves(adapterShapes(tinyModel, config));
  const merged = mergeLora(tinyModel, tensors, { config, values });
  expect([...merged.keys()]).toEqual([...tensors.keys()]);
  const targets = new Set(targetedLayers(tinyModel, config.target_modules).map((layer) => `${layer}.weight`));
  expect(targets.size).toBe(2 * tinyModel.n_layer);
  for (const [name, shape] of parameterShapes(tinyModel)) {
    const before = tensors.get(name)!();
    if (!targets.has(name)) {
      expect(merged.get(name)!(), name).toEqual(before);
      continue;
    }
    const columns = shape[1]!;
    const [a, b] = ['A', 'B'].map((x) => values.get(name.replace('weight', `lora_${x}`))!());
    const want = before.map((w, at) => {
      const [i, j] = [Math.floor(at / columns), at % columns];
      return w + (7 / 3) * [0, 1, 2].reduce((sum, k) => sum + a![3 * i + k]! * b![columns * k + j]!, 0);
    });
    expect(merged.get(name)!(), name).toEqual(want);
    expect(tensors.get(name)!(), 'the base stays').toEqual(before);
  }
});
