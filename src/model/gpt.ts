// The whole model: the decoder stacks of GPT-1, GPT-2 and GPT-3. This file holds the only forward pass.
//
//   GPT-1 (Radford et al. 2018)   post-norm:  n = LN1(x + Attn(x));  x = LN2(n + MLP(n));  no final layer norm
//   GPT-2 (Radford et al. 2019)   pre-norm:   x += Attn(LN1(x));  x += MLP(LN2(x));  LN_f at the end
//   GPT-3 (Brown et al. 2020)     GPT-2, with layers that see only the last `window_size` keys in between
//
//   Attn(x) = attention(x W_qkv + b) W_o + b        MLP(x) = GELU(x W_1 + b) W_2 + b        logits = h wte^T
//
// With adapters each of these four products may have a low-rank term: lora.ts.
//
// Letters: B batch, T time, C width (n_embd), H heads, D = C/H, F MLP width, V vocabulary, L layers.
// Each op's folder in src/ops has its mathematics, its portable form and its kernels.

import { ConfigError } from '../base/errors.js';
import { tf } from '../base/tf.js';
import type { ResolvedModel } from '../config/model_shape.js';
import { parameterShapes } from '../config/parameters.js';
import type { LoraConfig } from '../config/schema.js';
import { attention } from '../ops/attention/attention.js';
import { requireFusedKernels } from '../ops/define.js';
import { type Dropout, dropout } from '../ops/dropout/dropout.js';
import { embedding } from '../ops/embedding/embedding.js';
import { headLoss } from '../ops/head_loss/head_loss.js';
import { layerNorm, normedSum, residualLayerNorm } from '../ops/layernorm/layernorm.js';
import { linear } from '../ops/linear/linear.js';
import { gelu, mlp } from '../ops/mlp/mlp.js';
import { Parameter } from '../ops/parameter.js';
import { recomputed } from '../ops/recompute.js';
import { untaped } from '../ops/untaped.js';
import type { KvCache, Piece } from './kv_cache.js';
import { Lora } from './lora.js';

/** Which random numbers the dropout masks of one forward pass use; see ops/dropout. */
export interface DropoutPass {
  readonly seed: number;
  /** step * micro-batches + micro-batch */
  readonly step: number;
}

/** Options of a forward pass. Neither: evaluation, no dropout. */
export interface ForwardOptions {
  readonly dropout?: DropoutPass | undefined;
  readonly cache?: KvCache | undefined;
  /** With a cache and B = 1: which of the ids (1,T) follow which of its positions. Undefined: all, all of it. */
  readonly pieces?: readonly Piece[] | undefined;
  /** Keep only each block's inputs for the backward pass and compute the block twice: see ops/recompute.ts. */
  readonly recompute?: boolean | undefined;
  /**
   * The embeddings and so many blocks from below keep nothing for a backward pass, which ends above them: none of their
   * parameters gets a gradient; the numbers stay the same. At most n_layer. See freezeLayers().
   */
  readonly frozen_layers?: number | undefined;
}

/** Options of a loss: `gradient` only inside accumulateGradients(), see ops/head_loss. */
export interface LossOptions extends Omit<ForwardOptions, 'cache' | 'pieces'> {
  readonly gradient?: boolean | undefined;
}

/** A GPT with its parameters on the active backend. */
export class Gpt {
  readonly config: ResolvedModel;
  /** By Hugging Face name, in transformers' order: one map is checkpoint, optimizer and reduction order. */
  readonly params: ReadonlyMap<string, Parameter>;
  readonly #bf16: boolean;
  #lora: Lora | undefined;

  /**
   * `values` gives each parameter's values, row-major, by name (model/init.ts, or a checkpoint). bf16: the matrix products
   * of linear layers and loss round their operands to bfloat16.
   */
  constructor(config: ResolvedModel, values: ReadonlyMap<string, () => Float32Array>, bf16 = false) {
    requireFusedKernels();
    this.config = config;
    this.#bf16 = bf16;
    const params = new Map<string, Parameter>();
    for (const [name, shape] of parameterShapes(config)) {
      const tensor = tf.tensor(values.get(name)!(), shape, 'float32');
      params.set(name, new Parameter(name, tensor, bf16));
      tensor.dispose();
    }
    this.params = params;
  }

  /** ids (B,T) -> hidden states (B,T,C) that the head reads. With a cache, ids are the tokens that follow it. */
  hidden(ids: tf.Tensor2D, options: ForwardOptions = {}): tf.Tensor3D {
    const { dropout: pass, cache, recompute, frozen_layers: frozen = 0 } = options;
    const {
      arch,
      n_layer,
      n_head,
      window_size,
      attention_layers,
      activation_function,
      layer_norm_epsilon: eps,
    } = this.config;
    const postNorm = arch === 'gpt1';
    const [wte, wpe] = this.#embeddings();
    const pieces = options.pieces ?? [{ past: cache?.length ?? 0, length: ids.shape[1] }];

    const weight = (name: string) => this.#value(`${name}.weight`);
    const bias = (name: string) => this.#value(`${name}.bias`);
    const dense = (x: tf.Tensor, name: string) => {
      const y = linear(x, weight(name), bias(name));
      return this.#lora?.add(y, x, `transformer.${name}`, mask) ?? y;
    };
    const isAdapted = (name: string) => this.#lora?.has(`transformer.${name}`) ?? false;
    // the masks of one pass differ by site: 0 the embedding, then three per layer; those of adapters are far above
    const mask = (p: number, site: number): Dropout => ({
      p: pass === undefined ? 0 : p,
      seed: 0,
      step: 0,
      ...pass,
      site,
    });

    // The stream between branches: pre-norm [x, y], the residual and its layer norm, which the next branch reads; in
    // GPT-1 they are the same, [y].
    const add = (stream: tf.Tensor[], branch: (x: tf.Tensor) => tf.Tensor, ln: string): tf.Tensor[] => {
      const [x, y = x] = stream as [tf.Tensor, tf.Tensor | undefined];
      const sumIsRead = !postNorm && ln !== 'ln_f';
      return tf.tidy(() =>
        sumIsRead
          ? residualLayerNorm(x, branch(y), weight(ln), bias(ln), eps)
          : [normedSum(x, branch(y), weight(ln), bias(ln), eps)],
      );
    };

    const block = (layer: number, stream: tf.Tensor[]): tf.Tensor[] => {
      const h = `h.${layer}`;
      const window = attention_layers[layer] === 'local' ? window_size : Number.MAX_SAFE_INTEGER;
      const attn = (x: tf.Tensor): tf.Tensor => {
        const qkv = dense(x, `${h}.attn.c_attn`); //                                       (B,T,3C)
        const y =
          cache === undefined
            ? attention(qkv, { n_head, window, dropout: mask(this.config.attn_pdrop, 3 * layer + 1) }) // (B,T,C)
            : cache.layers[layer]!.attend(qkv, n_head, window, pieces);
        return dropout(dense(y, `${h}.attn.c_proj`), mask(this.config.resid_pdrop, 3 * layer + 2));
      };
      const feedForward = (x: tf.Tensor): tf.Tensor => {
        const [fc, proj] = [`${h}.mlp.c_fc`, `${h}.mlp.c_proj`];
        const y =
          isAdapted(fc) || isAdapted(proj)
            ? dense(activation(dense(x, fc)), proj)
            : mlp(x, weight(fc), bias(fc), weight(proj), bias(proj), activation_function); // (B,T,C)
        return dropout(y, mask(this.config.resid_pdrop, 3 * layer + 3));
      };
      const next = layer + 1 < n_layer ? `h.${layer + 1}.ln_1` : 'ln_f'; // pre-norm: what the block's output meets next
      const middle = add(stream, attn, postNorm ? `${h}.ln_1` : `${h}.ln_2`);
      const out = add(middle, feedForward, postNorm ? `${h}.ln_2` : next);
      tf.dispose(middle); // the tape has what it needs
      return out;
    };
    // in stock ops, which would keep eight tensors of the MLP's width: only their input is kept
    const activation = (pre: tf.Tensor) => recomputed(([x]) => [gelu(x!, activation_function)], [pre])[0]!;

    const embed = (): tf.Tensor[] => {
      const x = tf.tidy(() => {
        const [first, ...more] = pieces;
        const sum =
          more.length === 0
            ? embedding(ids, wte, wpe, first!.past)
            : embedding(ids, wte, tf.gather(wpe, positions(pieces)));
        return dropout(sum, mask(this.config.embd_pdrop, 0)); // (B,T,C)
      });
      return postNorm ? [x] : [x, layerNorm(x, weight('h.0.ln_1'), bias('h.0.ln_1'), eps)];
    };
    const blocks = (from: number, to: number, stream: tf.Tensor[]): tf.Tensor[] => {
      for (let layer = from; layer < to; layer++) {
        const before = stream;
        stream = recompute ? recomputed((given) => block(layer, given), before) : block(layer, before);
        tf.dispose(before);
      }
      return stream;
    };

    let stream = frozen === 0 ? embed() : untaped(() => blocks(0, frozen, embed()));
    if (frozen > 0 && frozen < n_layer && !postNorm) {
      // a block ends in the layer norm of the next one, which learns: once more, on the tape
      const [x, y] = stream as [tf.Tensor, tf.Tensor];
      stream = [x, layerNorm(x, weight(`h.${frozen}.ln_1`), bias(`h.${frozen}.ln_1`), eps)];
      y.dispose();
    }
    stream = blocks(frozen, n_layer, stream);
    const last = pieces.at(-1)!;
    if (cache !== undefined) cache.length = last.past + last.length;
    tf.dispose(stream.slice(0, -1));
    return stream.at(-1) as tf.Tensor3D;
  }

  /** hidden (B,T,C) -> logits (B,T,V). */
  logits(hidden: tf.Tensor3D): tf.Tensor3D {
    const [B, T, C] = hidden.shape;
    const [wte] = this.#embeddings();
    return tf.tidy(() =>
      tf.reshape(tf.matMul(tf.reshape(hidden, [B * T, C]), wte as tf.Tensor2D, false, true), [B, T, -1]),
    );
  }

  /**
   * [loss (), nll (B,T)] in nats: loss = sum of weights (B,T) * nll; positions with y < 0 are not scored.
   */
  loss(
    x: tf.Tensor2D,
    y: tf.Tensor2D,
    weights: tf.Tensor2D,
    { gradient = false, ...forward }: LossOptions = {},
  ): [tf.Scalar, tf.Tensor2D] {
    return tf.tidy(() => this.lossOf(this.hidden(x, forward), y, weights, gradient));
  }

  /** The same from hidden states (B,T,C), where a task's head reads them too. */
  lossOf(hidden: tf.Tensor3D, y: tf.Tensor2D, weights: tf.Tensor2D, gradient: boolean): [tf.Scalar, tf.Tensor2D] {
    return headLoss(hidden, this.#embeddings()[0], y, weights, gradient);
  }

  /**
   * Gives linear layers adapters and freezes everything else. `values` gives each adapter's values by name (lora.ts).
   * Throws ConfigError for an unknown target.
   */
  addLora(config: LoraConfig, values: ReadonlyMap<string, () => Float32Array>): void {
    if (this.#lora !== undefined) throw new Error('internal: the model has adapters already');
    this.#lora = new Lora(this.config, config, values, this.#bf16);
    for (const p of this.params.values()) p.trainable = false;
  }

  /** The adapters, if it has some. */
  get lora(): Lora | undefined {
    return this.#lora;
  }

  /**
   * Freezes the embeddings and the first n blocks; with all of them, or 'all', every parameter. Returns the `frozen_layers`
   * that forward passes may then have. Throws ConfigError when the model has fewer blocks.
   */
  freezeLayers(n: number | 'all'): number {
    const { n_layer } = this.config;
    const frozen = n === 'all' ? n_layer : n;
    if (frozen > n_layer) {
      throw new ConfigError(
        `finetune.freeze_layers ${frozen}: the model has ${n_layer} layers`,
        `give at most ${n_layer}, or all`,
      );
    }
    for (const [name, parameter] of this.params) {
      const layer = Number(/\.h\.(\d+)\./.exec(name)?.[1] ?? (name.includes('.ln_f.') ? n_layer - 1 : -1));
      if (frozen > 0 && layer < frozen) parameter.trainable = false;
    }
    return frozen;
  }

  /** All parameters, in order; those of adapters last. */
  parameters(): Parameter[] {
    return [...this.params.values(), ...(this.#lora?.params.values() ?? [])];
  }

  /** Those that training changes, in order. */
  trainable(): Parameter[] {
    return this.parameters().filter((p) => p.trainable);
  }

  dispose(): void {
    for (const p of this.params.values()) p.dispose();
    this.#lora?.dispose();
  }

  #value(name: string): tf.Variable {
    return this.params.get(`transformer.${name}`)!.value;
  }

  #embeddings(): [tf.Variable, tf.Variable] {
    const [tokens, positions] = this.config.arch === 'gpt1' ? ['tokens_embed', 'positions_embed'] : ['wte', 'wpe'];
    return [this.#value(`${tokens}.weight`), this.#value(`${positions}.weight`)];
  }
}

/** Of each token of some pieces. */
function positions(pieces: readonly Piece[]): tf.Tensor1D {
  const all = pieces.flatMap(({ past, length }) => Array.from({ length }, (_, i) => past + i));
  return tf.tensor1d(all, 'int32');
}
