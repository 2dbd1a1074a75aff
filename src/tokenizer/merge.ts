// Byte pair merging: the table of merges, and the greedy loop that applies them.
//
//   while a pair of neighbours has a merge: replace the leftmost pair of the lowest rank by the merge's token
//
// The symbols are a doubly linked list and the candidate pairs a heap ordered by (rank, position), so n symbols take
// O(n log n): 'a' x 1,000,000 is one piece for GPT-2's pattern, and the textbook loop would need 10^12 steps.

/** Merges in the order of their rank: (left, right) -> result. Open addressing, so that a lookup allocates nothing. */
export class MergeTable {
  #left = new Int32Array(1024).fill(-1);
  #right = new Int32Array(1024);
  #rank = new Int32Array(1024);
  readonly #results: number[] = [];
  readonly #pairs: [number, number][] = [];

  /** Number of merges: the rank that the next one gets. */
  get size(): number {
    return this.#pairs.length;
  }

  /** Appends a merge. A pair that is already there keeps its first, lower, rank. */
  add(left: number, right: number, result: number): void {
    if (2 * (this.size + 1) > this.#left.length) this.#grow();
    const rank = this.size;
    this.#pairs.push([left, right]);
    this.#results.push(result);
    this.#insert(left, right, rank);
  }

  /** Rank of a pair, or -1. */
  rank(left: number, right: number): number {
    const slot = this.#slot(left, right);
    return this.#left[slot] === -1 ? -1 : this.#rank[slot]!;
  }

  /** Token that the merge of this rank makes. */
  result(rank: number): number {
    return this.#results[rank]!;
  }

  /** (left, right) by rank. */
  pairs(): readonly (readonly [number, number])[] {
    return this.#pairs;
  }

  #slot(left: number, right: number): number {
    const mask = this.#left.length - 1;
    let slot = (Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & mask;
    while (this.#left[slot] !== -1 && (this.#left[slot] !== left || this.#right[slot] !== right)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #insert(left: number, right: number, rank: number): void {
    const slot = this.#slot(left, right);
    if (this.#left[slot] !== -1) return;
    this.#left[slot] = left;
    this.#right[slot] = right;
    this.#rank[slot] = rank;
  }

  #grow(): void {
    const slots = 2 * this.#left.length;
    this.#left = new Int32Array(slots).fill(-1);
    this.#right = new Int32Array(slots);
    this.#rank = new Int32Array(slots);
    for (const [rank, [left, right]] of this.#pairs.entries()) this.#insert(left, right, rank);
  }
}

const KEPT = 1 << 16; // symbols whose buffers, 2.6 MB, are kept for the next piece; a rare longer one gives them back
const POSITIONS = 2 ** 32; // heap key = rank * POSITIONS + position, exact in float64 for ranks below 2^21

/** Merges that a Merger can order. */
export const MOST_MERGES = 2 ** 21;

/** Applies a MergeTable. One object is reused for many pieces and keeps buffers that are small. */
export class Merger {
  /** Heap operations so far: what a test bounds to show that the time is not quadratic. */
  operations = 0;
  readonly #merges: MergeTable;
  #token = new Int32Array(0);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  #rank = new Int32Array(0); // of the pair that starts here, -1: none; a heap entry that disagrees is stale
  #heap = new Float64Array(0);
  #heapSize = 0;

  constructor(merges: MergeTable) {
    this.#merges = merges;
  }

  /** Merges symbols[0 .. n) and writes the tokens back to its start; returns how many there are. */
  merge(symbols: Int32Array, n: number): number {
    if (n < 2) return n;
    this.#reserve(n);
    const token = this.#token;
    const next = this.#next;
    const previous = this.#previous;
    const rank = this.#rank;
    for (let i = 0; i < n; i++) {
      token[i] = symbols[i]!;
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (let i = 0; i < n; i++) this.#offer(i, n);
    while (this.#heapSize > 0) {
      const key = this.#pop();
      const r = Math.floor(key / POSITIONS);
      const i = key - r * POSITIONS;
      if (rank[i] !== r) continue;
      const removed = next[i]!;
      const after = next[removed]!;
      token[i] = this.#merges.result(r);
      rank[removed] = -1;
      next[i] = after;
      if (after < n) previous[after] = i;
      this.#offer(i, n);
      if (i > 0) this.#offer(previous[i]!, n);
    }
    let count = 0;
    for (let i = 0; i < n; i = next[i]!) symbols[count++] = token[i]!;
    if (n > KEPT) this.#allocate(0);
    return count;
  }

  /** Looks up the pair that starts at i and puts it on the heap. */
  #offer(i: number, n: number): void {
    const j = this.#next[i]!;
    const r = j < n ? this.#merges.rank(this.#token[i]!, this.#token[j]!) : -1;
    this.#rank[i] = r;
    if (r >= 0) this.#push(r * POSITIONS + i);
  }

  #push(key: number): void {
    this.operations++;
    const heap = this.#heap;
    let i = this.#heapSize++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]! <= key) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = key;
  }

  #pop(): number {
    this.operations++;
    const heap = this.#heap;
    const top = heap[0]!;
    const n = --this.#heapSize;
    const key = heap[n]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= key) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = key;
    return top;
  }

  /** n symbols make n - 1 first pairs and at most two more for each of n - 1 merges. */
  #reserve(n: number): void {
    if (this.#token.length >= n) return;
    this.#allocate(Math.max(64, 2 ** Math.ceil(Math.log2(n))));
  }

  #allocate(size: number): void {
    this.#token = new Int32Array(size);
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#rank = new Int32Array(size);
    this.#heap = new Float64Array(3 * size);
  }
}
