// The three families in float64, a position at a time, as the papers write them: no batches, no kernels, no tensors.

import { readModel } from '../../src/checkpoint/hf.js';
import type { ResolvedModel } from '../../src/config/model_shape.js';

type Row = Float64Array<ArrayBuffer>;

/** A model of a folder, in float64. */
export class Float64Gpt {
  readonly config: ResolvedModel;
  readonly #values = new Map<string, Float32Array>();

  constructor(folder: string) {
    const file = readModel(folder);
    this.config = file.model;
    for (const [name, read] of file.tensors) this.#values.set(name.replace('transformer.', ''), read());
    file.close();
  }

  /** -ln p of each of the tokens 1 .. T of ids, after all before it. */
  nll(ids: readonly number[]): number[] {
    const rows = this.#hidden(ids.slice(0, -1));
    const tokens = this.#value(this.config.arch === 'gpt1' ? 'tokens_embed.weight' : 'wte.weight');
    return rows.map((row, t) => {
      const logits = Array.from({ length: this.config.vocab_size }, (_, v) => dot(row, tokens, v * row.length));
      const top = Math.max(...logits);
      return top + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0)) - logits[ids[t + 1]!]!;
    });
  }

  #hidden(ids: readonly number[]): Row[] {
    const { arch, n_layer, n_embd: C } = this.config;
    const [wte, wpe] = arch === 'gpt1' ? ['tokens_embed', 'positions_embed'] : ['wte', 'wpe'];
    const [tokens, positions] = [this.#value(`${wte}.weight`), this.#value(`${wpe}.weight`)];
    let x = ids.map((id, t) => Float64Array.from({ length: C }, (_, c) => tokens[id * C + c]! + positions[t * C + c]!));
    for (let layer = 0; layer < n_layer; layer++) {
      const h = `h.${layer}`;
      if (arch === 'gpt1') {
        x = this.#norm(add(x, this.#attention(x, layer)), `${h}.ln_1`);
        x = this.#norm(add(x, this.#mlp(x, h)), `${h}.ln_2`);
      } else {
        x = add(x, this.#attention(this.#norm(x, `${h}.ln_1`), layer));
        x = add(x, this.#mlp(this.#norm(x, `${h}.ln_2`), h));
      }
    }
    return arch === 'gpt1' ? x : this.#norm(x, 'ln_f');
  }

  #attention(x: readonly Row[], layer: number): Row[] {
    const { n_head, n_embd: C, attention_layers, window_size } = this.config;
    const D = C / n_head;
    const window = attention_layers[layer] === 'local' ? window_size : Number.POSITIVE_INFINITY;
    const qkv = this.#linear(x, `h.${layer}.attn.c_attn`);
    const y = qkv.map((row, i) => {
      const out = new Float64Array(C);
      for (let h = 0; h < n_head; h++) {
        const scores = qkv.slice(0, i + 1).map((other, j) => {
          if (j <= i - window) return Number.NEGATIVE_INFINITY;
          let score = 0;
          for (let d = h * D; d < (h + 1) * D; d++) score += row[d]! * other[C + d]!;
          return score / Math.sqrt(D);
        });
        const top = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - top));
        const total = weights.reduce((a, b) => a + b);
        for (const [j, weight] of weights.entries()) {
          for (let d = h * D; d < (h + 1) * D; d++) out[d]! += (weight / total) * qkv[j]![2 * C + d]!;
        }
      }
      return out;
    });
    return this.#linear(y, `h.${layer}.attn.c_proj`);
  }

  #mlp(x: readonly Row[], h: string): Row[] {
    const form = this.config.activation_function;
    const inner = (z: number) =>
      form === 'gelu' ? erf(z * Math.SQRT1_2) : Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3));
    const hidden = this.#linear(x, `${h}.mlp.c_fc`).map((row) => row.map((z) => 0.5 * z * (1 + inner(z))));
    return this.#linear(hidden, `${h}.mlp.c_proj`);
  }

  /** x W + b, W (in, out). */
  #linear(x: readonly Row[], name: string): Row[] {
    const [weight, bias] = [this.#value(`${name}.weight`), this.#value(`${name}.bias`)];
    return x.map((row) => {
      const y = Float64Array.from(bias);
      for (const [i, xi] of row.entries()) for (const j of y.keys()) y[j]! += xi * weight[i * y.length + j]!;
      return y;
    });
  }

  #norm(x: readonly Row[], name: string): Row[] {
    const [weight, bias] = [this.#value(`${name}.weight`), this.#value(`${name}.bias`)];
    return x.map((row) => {
      const mean = row.reduce((a, b) => a + b) / row.length;
      const variance = row.reduce((sum, z) => sum + (z - mean) ** 2, 0) / row.length;
      const scale = 1 / Math.sqrt(variance + this.config.layer_norm_epsilon);
      return row.map((z, c) => (z - mean) * scale * weight[c]! + bias[c]!);
    });
  }

  #value(name: string): Float32Array {
    return this.#values.get(name)!;
  }
}

const add = (a: readonly Row[], b: readonly Row[]): Row[] => a.map((row, t) => row.map((x, c) => x + b[t]![c]!));

function dot(row: Row, matrix: Float32Array, from: number): number {
  let sum = 0;
  for (const [c, x] of row.entries()) sum += x * matrix[from + c]!;
  return sum;
}

/** By the series 2 / sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!, whose terms are all of one sign. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 150; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
