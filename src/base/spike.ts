// Which steps stand out: those whose loss or gradient norm lies far above the recent ones (train/outlier.ts).

import type { StepEvent } from './events.js';

/** Standard deviations. Above 3 there are a few in every healthy run of a thousand steps. */
export const SPIKE_Z = 5;

/** Whether a step is a spike. */
export const isSpike = ({ loss_z, grad_norm_z }: StepEvent): boolean =>
  [loss_z, grad_norm_z].some((z) => z != null && z > SPIKE_Z);
