// Recycled memory for kernel results. Fresh memory costs 10 to 15 times a refill (page faults), and a training step asks
// for the same sizes each time: from the second step on every request is a hit.

const POOLED_FROM = 4096; // bytes; below, a plain typed array is faster

/** Where new memory comes from, e.g. the addon's alloc. */
export type Allocate = (bytes: number) => ArrayBuffer;

/** Free ArrayBuffers by size class. */
export class BufferPool {
  readonly #allocate: Allocate;
  readonly #free = new Map<number, ArrayBuffer[]>();
  #reserved = 0;
  #idle = 0;
  /** Overwrite freed buffers with NaN: use after release shows at once. For tests. */
  poison = false;

  constructor(allocate: Allocate) {
    this.#allocate = allocate;
  }

  /** A buffer of at least `bytes` with undefined content, or undefined where pooling does not pay. */
  take(bytes: number): ArrayBuffer | undefined {
    if (bytes < POOLED_FROM) return undefined;
    const size = sizeClass(bytes);
    const buffer = this.#free.get(size)?.pop();
    if (buffer !== undefined) {
      this.#idle -= size;
      return buffer;
    }
    const fresh = this.#allocate(size);
    this.#reserved += size;
    return fresh;
  }

  /** Gives a buffer of take() back. Nothing may use it afterwards. */
  release(buffer: ArrayBuffer): void {
    const size = buffer.byteLength;
    if (this.poison) new Uint32Array(buffer, 0, size >> 2).fill(0x7fc0dead);
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [buffer]);
    else list.push(buffer);
    this.#idle += size;
  }

  /** Forgets a buffer that something else now shares; the garbage collector frees it. */
  abandon(buffer: ArrayBuffer): void {
    this.#reserved -= buffer.byteLength;
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
}

/** Rounds up to one of eight sizes between powers of two: at most 1/8 is wasted, and nearby sizes share buffers. */
function sizeClass(bytes: number): number {
  const step = Math.max(64, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}
