// What a run trains on and how it is judged, as the loop sees it: plain text (language_model.ts) or a task (task.ts).
//
// Everything here is a function of the number of updates made, so that a resumed run goes on exactly.

import type { tf } from '../base/tf.js';

/** The loss of a micro-batch. */
export interface StepLoss {
  /** Its share of the update's loss: what is differentiated. */
  readonly loss: tf.Scalar;
  /** What it is made of, by the names of step events. */
  readonly parts: Readonly<Record<string, tf.Scalar>>;
}

/** A validation: what the loop compares. */
export interface Validation {
  /** Lower is better: nats per token, or 1 - the task's metric. */
  readonly score: number;
}

/** See the head of this file. `step` counts updates from 0. */
export interface Objective {
  /** Updates of the whole run. */
  readonly steps: number;
  learningRate(step: number): number;
  /** Tokens that go through the model in the updates before this one, padding included. */
  tokensBefore(step: number): number;
  /** Floating-point operations of an update, attention counted causally. */
  flops(step: number): number;
  /** Passes over the training data after this update. */
  epoch(step: number): number;
  /** What else a step event says of this update. */
  notes(step: number): Readonly<Record<string, number>>;
  /** One function per micro-batch; each is called once, in order, inside accumulateGradients(). */
  losses(step: number): readonly (() => StepLoss)[];
  /**
   * Measures on held-out data and reports it. `best`: the lowest score so far, null at first. final: once more after the
   * last step, on more data. null: nothing was measured, or `stopped` came first.
   */
  validate(call: ValidateCall): Promise<Validation | null>;
}

/** Of Objective.validate. */
export interface ValidateCall {
  /** Updates made. */
  readonly step: number;
  /** Tokens trained on. */
  readonly tokens: number;
  readonly final: boolean;
  readonly isBest: (score: number) => boolean;
  readonly stopped: () => boolean;
}
