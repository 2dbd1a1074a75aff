// Keys and values of all layers for the tokens read so far: decoding a token then costs one position, not all of them.

import { LayerCache, type Piece } from '../ops/attention/cached_attention.js';

export type { Piece };

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
