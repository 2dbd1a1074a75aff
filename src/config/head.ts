// Heads of supervised tasks: what one computes, and names and shapes of its parameters. What the model creates and checkpoints
// store; the model's part: model/heads.ts.

/** What a head computes. */
export interface HeadShape {
  readonly kind: 'classes' | 'score' | 'choice';
  readonly readout: 'pair' | 'cosine';
  /** n; 1 for score and choice. */
  readonly outputs: number;
}

/** Parameter name -> shape. */
export const headShapes = ({ readout, outputs }: HeadShape, nEmbd: number): Map<string, number[]> =>
  new Map([
    ['head.weight', [readout === 'cosine' ? 1 : nEmbd, outputs]],
    ['head.bias', [outputs]],
  ]);
