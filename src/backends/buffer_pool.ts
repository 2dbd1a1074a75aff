// Recycled memory for kernel results. Fresh memory costs 10 to 15 times a refill (page faults), and a training step asks
// for the same sizes each time: from the second step on every request is a hit.
//
// Several tensors may show one buffer (slices, the parts of a complex tensor): it is recycled when the last one goes.

const POOLED_FROM = 4096; // bytes; below, a plain typed array is faster
const POISON = 0x7fc0dead; // as float32 a NaN, as int32 2143346349

/** Where new memory comes from, e.g. the addon's alloc. */
export type Allocate = (bytes: number) => ArrayBuffer;

/** Free ArrayBuffers by size class, and how many tensors show the others. */
export class BufferPool {
  readonly #allocate: Allocate;
  readonly #free = new Map<number, ArrayBuffer[]>();
  readonly #owners = new WeakMap<ArrayBufferLike, number>();
  #reserved = 0;
  #idle = 0;
  /**
   * Fill buffers with NaN when they are taken and when they are freed, small ones too: use before writing or after
   * release shows at once. For tests.
   */
  poison = false;
  /**
   * Serve requests by buffers of their own size class alone: the least memory where steps have one shape. false: where texts
   * of many lengths make batches of many shapes.
   */
  exact = true;

  constructor(allocate: Allocate) {
    this.#allocate = allocate;
  }

  /** A buffer of at least `bytes` with undefined content and no owner, or undefined where pooling does not pay. */
  take(bytes: number): ArrayBuffer | undefined {
    if (bytes < (this.poison ? 1 : POOLED_FROM)) return undefined;
    const size = sizeClass(bytes);
    let buffer = this.#idleOf(size);
    if (buffer !== undefined) this.#idle -= buffer.byteLength;
    else {
      buffer = this.#allocate(size);
      this.#reserved += size;
    }
    this.#owners.set(buffer, 0);
    if (this.poison) fillWithPoison(buffer);
    return buffer;
  }

  /** How many tensors show this buffer; undefined where it is idle, or not of this pool. */
  owners(buffer: ArrayBufferLike): number | undefined {
    return this.#owners.get(buffer);
  }

  /** One more tensor shows this buffer of take(). */
  share(buffer: ArrayBufferLike): void {
    this.#owners.set(buffer, this.#owned(buffer) + 1);
  }

  /** One tensor less shows it. After the last one nothing may use it. */
  release(buffer: ArrayBuffer): void {
    const owners = this.#owned(buffer) - 1;
    if (owners > 0) {
      this.#owners.set(buffer, owners);
      return;
    }
    this.#owners.delete(buffer);
    if (this.poison) fillWithPoison(buffer);
    const size = buffer.byteLength;
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [buffer]);
    else list.push(buffer);
    this.#idle += size;
  }

  /** Drops all idle buffers. */
  clear(): void {
    this.#reserved -= this.#idle;
    this.#idle = 0;
    this.#free.clear();
  }

  /** Bytes reserved in all, and idle among them. */
  stats(): { reserved: number; idle: number } {
    return { reserved: this.#reserved, idle: this.#idle };
  }

  /**
   * An idle buffer of this size class, or of a larger one up to twice that: batches of texts differ in length from step to
   * step, and without it each length would keep buffers of its own.
   */
  #idleOf(size: number): ArrayBuffer | undefined {
    for (let fits = size; fits <= (this.exact ? 1 : 2) * size; fits = sizeClass(fits + 1)) {
      const buffer = this.#free.get(fits)?.pop();
      if (buffer !== undefined) return buffer;
    }
    return undefined;
  }

  #owned(buffer: ArrayBufferLike): number {
    const owners = this.#owners.get(buffer);
    if (owners === undefined) throw new Error('internal: a buffer was released twice, or is not of this pool');
    return owners;
  }
}

function fillWithPoison(buffer: ArrayBuffer): void {
  new Uint32Array(buffer, 0, buffer.byteLength >> 2).fill(POISON);
}

/** Rounds up to one of eight sizes between powers of two: at most 1/8 is wasted, and nearby sizes share buffers. */
function sizeClass(bytes: number): number {
  const step = Math.max(64, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}
