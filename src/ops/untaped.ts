// A part of the model through which no gradient goes: frozen lower layers. It runs without a tape, so nothing inside is kept
// for the backward pass, which ends where it began.
//
// Fused kernels keep parameters off the tape, and what connects the loss with the tape's only leaf, the anchor
// (parameter.ts), would be the embedding: inside this part. So the part as a whole takes the anchor, whose gradient is zero.

import { tf } from '../base/tf.js';
import { anchor } from './parameter.js';
import { type PartKernel, runPart } from './part.js';

const UNTAPED: PartKernel = { name: 'GptUntaped', savesInputs: false, gradient: () => [tf.scalar(0)] };

/** part(), without a tape. It may read parameters; their gradients get nothing from it. Test: test/model/frozen.test.ts. */
export function untaped(part: () => tf.Tensor[]): tf.Tensor[] {
  return runPart(UNTAPED, part, [anchor()]);
}
