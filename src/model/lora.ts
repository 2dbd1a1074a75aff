// LoRA adapters in the model (Hu et al. 2021): y = x W + b + (alpha / r) dropout(x) A B, with everything but A and B frozen.
//
//   A (in, r)    U(-1/sqrt(in), 1/sqrt(in)), which is PEFT's kaiming_uniform_(a = sqrt(5))
//   B (r, out)   zeros: a model with new adapters computes what it computed without
//
// Names and shapes: config/lora.ts. Merging into W and PEFT's folder: checkpoint/peft.ts. Test: test/model/lora.test.ts.

import { Random, Stream } from '../base/rng.js';
import { tf } from '../base/tf.js';
import { adapterShapes, linearLayers } from '../config/lora.js';
import type { ResolvedModel } from '../config/model_shape.js';
import type { LoraConfig } from '../config/schema.js';
import { type Dropout, dropout } from '../ops/dropout/dropout.js';
import { linear } from '../ops/linear/linear.js';
import { Parameter } from '../ops/parameter.js';

/** The first dropout site of adapters; the layer's place among the linear layers follows. Others are below (model/gpt.ts). */
const FIRST_SITE = 2 ** 16;

/** Initial values of every adapter, by name; a value is a function of (seed, adapter, index). */
export function initialAdapters(
  model: ResolvedModel,
  config: Pick<LoraConfig, 'r' | 'target_modules'>,
  seed: number,
): Map<string, () => Float32Array> {
  const values = new Map<string, () => Float32Array>();
  const ordinals = new Map([...linearLayers(model).keys()].map((layer, i) => [`${layer}.lora_A`, i]));
  for (const [name, [rows, columns]] of adapterShapes(model, config)) {
    values.set(name, () => {
      const data = new Float32Array(rows * columns);
      if (name.endsWith('.lora_B')) return data;
      const random = new Random(seed, Stream.lora, ordinals.get(name)!);
      const bound = 1 / Math.sqrt(rows);
      for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.uniform() - 1);
      return data;
    });
  }
  return values;
}

/** The adapters of a model, on the active backend. */
export class Lora {
  readonly config: LoraConfig;
  /** By name, in the model's order. */
  readonly params: ReadonlyMap<string, Parameter>;
  readonly #sites: ReadonlyMap<string, number>;
  readonly #scale: tf.Variable; // alpha / r
  readonly #zeros = new Map<number, Parameter>(); // biases of the two products, by size

  /** `values` gives each adapter's values, row-major, by name. bf16: as Gpt. Throws ConfigError for an unknown target. */
  constructor(model: ResolvedModel, config: LoraConfig, values: ReadonlyMap<string, () => Float32Array>, bf16 = false) {
    this.config = config;
    const parameter = (name: string, tensor: tf.Tensor) => {
      const made = new Parameter(name, tensor, bf16);
      tensor.dispose();
      return made;
    };
    const params = new Map<string, Parameter>();
    for (const [name, shape] of adapterShapes(model, config)) {
      params.set(name, parameter(name, tf.tensor(values.get(name)!(), shape, 'float32')));
      const size = shape[1]; // of the bias
      if (this.#zeros.has(size)) continue;
      this.#zeros.set(size, parameter('zeros', tf.zeros([size])));
      this.#zeros.get(size)!.trainable = false;
    }
    this.params = params;
    this.#sites = new Map([...linearLayers(model).keys()].map((layer, i) => [layer, FIRST_SITE + i]));
    this.#scale = tf.tidy(() => tf.variable(tf.scalar(config.alpha / config.r), false));
  }

  /** Whether this linear layer has an adapter. */
  has(layer: string): boolean {
    return this.params.has(`${layer}.lora_A`);
  }

  /** y + (alpha / r) dropout(x) A B: x (B,T,in), y (B,T,out), `layer`'s input and output. y itself where it has no adapter. */
  add(y: tf.Tensor3D, x: tf.Tensor, layer: string, mask: (p: number, site: number) => Dropout): tf.Tensor3D {
    if (!this.has(layer)) return y;
    return tf.tidy(() => {
      const dropped = dropout(x, mask(this.config.dropout, this.#sites.get(layer)!));
      const h = tf.mul(this.#product(dropped, `${layer}.lora_A`), this.#scale); // (B,T,r)
      return sum(y, this.#product(h, `${layer}.lora_B`)); //                         (B,T,out)
    });
  }

  dispose(): void {
    for (const p of [...this.params.values(), ...this.#zeros.values()]) p.dispose();
    this.#scale.dispose();
  }

  #product(x: tf.Tensor, name: string): tf.Tensor3D {
    const { value } = this.params.get(name)!;
    return linear(x, value, this.#zeros.get(value.shape[1]!)!.value);
  }
}

/** a + b of one shape. tf.add would keep both, the size of qkv, until the backward pass ends. */
function sum<T extends tf.Tensor>(a: T, b: T): T {
  const op = tf.customGrad((...args) => ({
    value: tf.add(args[0] as T, args[1] as T),
    gradFunc: (dy: tf.Tensor) => [dy.clone(), dy],
  }));
  return op(a, b) as T;
}
