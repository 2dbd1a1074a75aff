// The optimizer of a run: Adam's moments of every parameter, and one update. Formulas: ops/optimizer/adamw.ts.

import { tf } from '../base/tf.js';
import type { TrainConfig } from '../config/schema.js';
import { adam, globalNorm, type Moments } from '../ops/optimizer/adamw.js';
import type { Parameter } from '../ops/parameter.js';

/** AdamW or OpenAI's Adam over a list of parameters. */
export class Optimizer {
  readonly #parameters: readonly Parameter[];
  readonly #moments: readonly Moments[];
  readonly #config: Pick<TrainConfig, 'optimizer' | 'betas' | 'eps' | 'weight_decay' | 'grad_clip'>;
  /** Updates made. */
  step = 0;

  constructor(
    parameters: readonly Parameter[],
    config: Pick<TrainConfig, 'optimizer' | 'betas' | 'eps' | 'weight_decay' | 'grad_clip'>,
  ) {
    this.#parameters = parameters;
    this.#config = config;
    this.#moments = parameters.map((p) =>
      tf.tidy(() => ({ m: tf.variable(tf.zeros(p.shape), false), v: tf.variable(tf.zeros(p.shape), false) })),
    );
  }

  /** Updates all parameters from their gradients, which are zero afterwards. Returns the global norm before clipping. */
  update(lr: number): number {
    this.step++;
    const { optimizer: variant, betas, eps, weight_decay, grad_clip: clip } = this.#config;
    const norm = globalNorm(this.#parameters);
    adam(this.#parameters, this.#moments, norm, { variant, lr, betas, eps, weight_decay, clip, t: this.step });
    const value = norm.dataSync()[0]!;
    norm.dispose();
    return value;
  }

  /** `m.<parameter>` and `v.<parameter>` of every parameter, as checkpoints store them. */
  *state(): Generator<{ name: string; shape: readonly number[]; tensor: tf.Variable }> {
    for (const kind of ['m', 'v'] as const) {
      for (const [i, p] of this.#parameters.entries()) {
        yield { name: `${kind}.${p.name}`, shape: p.shape, tensor: this.#moments[i]![kind] };
      }
    }
  }

  /** Takes the moments of a checkpoint over, by the names of state(), and the number of updates made. */
  restore(values: ReadonlyMap<string, () => Float32Array>, step: number): void {
    for (const { name, shape, tensor } of this.state()) {
      tf.tidy(() => tensor.assign(tf.tensor(values.get(name)!(), [...shape], 'float32')));
    }
    this.step = step;
  }

  dispose(): void {
    for (const { m, v } of this.#moments) tf.dispose([m, v]);
  }
}
