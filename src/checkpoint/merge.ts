// Adapters merged into the weights that they adapt: W + (alpha / r) A B. The model then needs no adapters any more.
//
// The product and the sum are made in float64 and rounded once. Names: config/lora.ts. Test: test/checkpoint/merge.test.ts.

import { adapterShapes, targetedLayers } from '../config/lora.js';
import type { ResolvedModel } from '../config/model_shape.js';
import type { LoraConfig } from '../config/schema.js';

/** Values of tensors by name; each is made or read when its function is called. */
export type Values = ReadonlyMap<string, () => Float32Array<ArrayBuffer>>;

/** The tensors of a model with its adapters merged in. One weight at a time is in memory, when it is asked for. */
export function mergeLora(
  model: ResolvedModel,
  tensors: Values,
  { config, values }: { readonly config: Pick<LoraConfig, 'r' | 'alpha' | 'target_modules'>; readonly values: Values },
): Map<string, () => Float32Array<ArrayBuffer>> {
  const merged = new Map(tensors);
  const shapes = adapterShapes(model, config);
  for (const layer of targetedLayers(model, config.target_modules)) {
    const [rows, r] = shapes.get(`${layer}.lora_A`)!;
    const columns = shapes.get(`${layer}.lora_B`)![1];
    const weight = `${layer}.weight`;
    merged.set(weight, () => {
      const [w, a, b] = [tensors.get(weight)!, values.get(`${layer}.lora_A`)!, values.get(`${layer}.lora_B`)!];
      return addProduct(w(), a(), b(), [rows, r, columns], config.alpha / config.r);
    });
  }
  return merged;
}

/** w + scale a b, where w is (rows,columns), a (rows,r), b (r,columns). */
function addProduct(
  w: Float32Array<ArrayBuffer>,
  a: Float32Array,
  b: Float32Array,
  [rows, r, columns]: readonly [number, number, number],
  scale: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(w.length);
  const row = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    row.fill(0);
    for (let k = 0; k < r; k++) {
      const factor = a[i * r + k]!;
      for (let j = 0; j < columns; j++) row[j]! += factor * b[k * columns + j]!;
    }
    for (let j = 0; j < columns; j++) out[i * columns + j] = w[i * columns + j]! + scale * row[j]!;
  }
  return out;
}
