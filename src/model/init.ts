// Initial values of a model's parameters.
//
//   weights and embeddings   N(0, initializer_range)
//   GPT-2 and GPT-3          the two c_proj of each block N(0, initializer_range / sqrt(2 L)): "scale the weights of
//                            residual layers at initialization by 1/sqrt(N)" (Radford et al. 2019, section 2.3)
//   biases 0, gains 1
//
// wpe has the same deviation as the rest, as in nanoGPT, llm.c and Hugging Face (OpenAI's code has 0.01).
// A value is a function of (seed, parameter, index): the same on every backend, whatever is created before it.

import { Random, Stream } from '../base/rng.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';

/** Initial values of every parameter, by name; each is made when its function is called. */
export function initialValues(model: ResolvedModel, seed: number): Map<string, () => Float32Array> {
  const values = new Map<string, () => Float32Array>();
  let ordinal = 0;
  for (const [name, shape] of parameterShapes(model)) {
    const index = ordinal++;
    const size = shape.reduce((n, d) => n * d, 1);
    values.set(name, () => {
      if (name.endsWith('.bias')) return new Float32Array(size);
      if (/ln_\w+\.weight$/.test(name)) return new Float32Array(size).fill(1);
      const residual = name.endsWith('c_proj.weight') && model.arch !== 'gpt1';
      const std = residual ? model.initializer_range / Math.sqrt(2 * model.n_layer) : model.initializer_range;
      const data = new Float32Array(size);
      new Random(seed, Stream.init, index).fillNormal(data, std);
      return data;
    });
  }
  return values;
}
