// Keys and values of all layers for the tokens read so far: decoding a token then costs one position, not all of them.
//
// Sequences that begin alike can share what they begin with: each is a piece that goes on from a position of the one before.
// Many pieces stand side by side in one forward pass, (1,T), as one long sequence for all but attention and positions.

import { tf } from '../base/tf.js';
import { LayerCache } from '../ops/attention/cached_attention.js';

/** A cache for up to `capacity` positions. Its owner disposes it. */
export class KvCache {
  readonly layers: readonly LayerCache[];
  readonly capacity: number;
  /** Positions in the cache; the model moves it on. */
  length = 0;

  constructor(n_layer: number, capacity: number) {
    this.layers = Array.from({ length: n_layer }, () => new LayerCache(capacity));
    this.capacity = capacity;
  }

  dispose(): void {
    for (const layer of this.layers) layer.dispose();
  }
}

/** Tokens that follow the first `past` positions of the cache; what it held after them is forgotten. */
export interface Piece {
  readonly past: number;
  readonly length: number;
}

/** f of every piece of x (B,T,..), side by side again along T. Owned by the enclosing tidy(). */
export function piecewise<X extends tf.Tensor>(
  x: X,
  pieces: readonly Piece[],
  f: (part: X, past: number) => tf.Tensor3D,
): tf.Tensor3D {
  if (pieces.length === 1) return f(x, pieces[0]!.past);
  return tf.tidy(() => {
    let start = 0;
    const parts = pieces.map(({ past, length }) => {
      const rest = x.shape.slice(2).map(() => 0);
      const part = tf.slice(x, [0, start, ...rest], [-1, length, ...rest.map(() => -1)]);
      start += length;
      return f(part, past);
    });
    return tf.concat(parts, 1);
  });
}
