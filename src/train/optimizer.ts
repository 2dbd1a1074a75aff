// The optimizer of a run: Adam's moments of every parameter, and one update. Formulas: ops/optimizer/adamw.ts.

import { tf } from '../base/tf.js';
import type { TrainConfig } from '../config/schema.js';
import { adam, globalNorm, type Moments } from '../ops/optimizer/adamw.js';
import type { Parameter } from '../ops/parameter.js';

/** AdamW or OpenAI's Adam over a list of parameters. */
export class Optimizer {
  /** What is trained. */
  readonly parameters: readonly Parameter[];
  readonly #moments: readonly Moments[];
  readonly #config: Pick<TrainConfig, 'optimizer' | 'betas' | 'eps' | 'weight_decay' | 'grad_clip'>;
  /** Updates made. */
  step: number;

  /** `stored`: the moments of a checkpoint, by the names of state(), and the updates made; without it both are zero. */
  constructor(
    parameters: readonly Parameter[],
    config: Pick<TrainConfig, 'optimizer' | 'betas' | 'eps' | 'weight_decay' | 'grad_clip'>,
    stored?: { readonly values: ReadonlyMap<string, () => Float32Array>; readonly step: number },
  ) {
    this.parameters = parameters;
    this.#config = config;
    this.step = stored?.step ?? 0;
    this.#moments = parameters.map(({ name, shape }) => {
      const moment = (kind: 'm' | 'v') =>
        tf.tidy(() => {
          const values = stored && stored.values.get(`${kind}.${name}`)!();
          return tf.variable(values === undefined ? tf.fill(shape, 0) : tf.tensor(values, shape, 'float32'), false);
        });
      return { m: moment('m'), v: moment('v') };
    });
  }

  /**
   * Updates all parameters from their gradients, which are zero afterwards. Returns the global norm before clipping, a
   * scalar that the caller disposes. A norm that is not finite changes nothing: parameters, moments and gradients stay.
   */
  async update(lr: number): Promise<tf.Scalar> {
    const { optimizer: variant, betas, eps, weight_decay, grad_clip: clip } = this.#config;
    const norm = globalNorm(this.parameters.map((p) => p.grad));
    this.step++;
    await adam(this.parameters, this.#moments, norm, { variant, lr, betas, eps, weight_decay, clip, t: this.step });
    return norm;
  }

  /** `m.<parameter>` and `v.<parameter>` of every parameter, as checkpoints store them. */
  *state(): Generator<{ name: string; shape: readonly number[]; tensor: tf.Variable }> {
    for (const kind of ['m', 'v'] as const) {
      for (const [i, p] of this.parameters.entries()) {
        yield { name: `${kind}.${p.name}`, shape: p.shape, tensor: this.#moments[i]![kind] };
      }
    }
  }

  dispose(): void {
    for (const { m, v } of this.#moments) tf.dispose([m, v]);
  }
}
