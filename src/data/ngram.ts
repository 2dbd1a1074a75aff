// What counting alone reaches: losses of a unigram and of a 5-gram model, which a trained model's is compared with.
//
// 5-gram: interpolated Kneser-Ney (Chen and Goodman 1999, equation 4.29, one discount an order):
//   P_k(w | h) = (max(c - D_k, 0) + D_k types(h) P_{k-1}(w | h')) / total(h),   P_0 = 1/V
// h: the k-1 tokens before w, h' the same without the oldest; c: occurrences of (h, w) for k = 5, and below that the number
// of different tokens seen in front of it; D_k = n1 / (n1 + 2 n2) from the numbers of counts that are 1 and 2.
// Unigram: (count + 1) / (N + V).
//
// All n-grams are nodes of one tree, root -> w1 -> w1 w2 ..., whose edges are in one hash table of typed arrays.

import type { TokenSource } from './token_file.js';

const ORDER = 5;

/** Losses on held-out text, in nats per token. */
export interface Baselines {
  readonly unigram: number;
  readonly five_gram: number;
}

/** Counts over the first maxTrain training tokens (2 million), measured on the first maxVal held-out ones (100,000). */
export function baselines(
  train: TokenSource,
  val: TokenSource,
  vocabSize: number,
  { maxTrain = 2_000_000, maxVal = 100_000 }: { maxTrain?: number; maxVal?: number } = {},
): Baselines {
  const seen = train.read(0, Math.min(train.length, maxTrain));
  const held = val.read(0, Math.min(val.length, maxVal));
  return { unigram: unigramLoss(seen, held, vocabSize), five_gram: fiveGramLoss(seen, held, vocabSize) };
}

function unigramLoss(train: Int32Array, val: Int32Array, vocabSize: number): number {
  const counts = new Float64Array(vocabSize);
  for (const id of train) counts[id]! += 1;
  let nats = 0;
  for (const id of val) nats -= Math.log((counts[id]! + 1) / (train.length + vocabSize));
  return nats / val.length;
}

function fiveGramLoss(train: Int32Array, val: Int32Array, vocabSize: number): number {
  const tree = new Tree();
  tree.train(train);
  const discounts = tree.discounts();
  let path = tree.start();
  let nats = 0;
  for (const id of val) {
    const next = tree.start();
    let p = 1 / vocabSize;
    for (let k = 1; k <= ORDER; k++) {
      const context = path[k - 1]!;
      if (context < 0) continue;
      const node = tree.find(context, id);
      next[k] = node;
      const total = tree.total[context]!;
      if (total === 0) continue;
      const count = node < 0 ? 0 : tree.count[node]!;
      p = (Math.max(count - discounts[k]!, 0) + discounts[k]! * tree.types[context]! * p) / total;
    }
    nats -= Math.log(p);
    path = next;
  }
  return nats / val.length;
}

/** All n-grams up to ORDER. Node 0 is the empty one; a path holds the nodes of the last 0, 1, .. ORDER tokens (-1: none). */
class Tree {
  size = 1;
  parent = new Int32Array(1 << 16);
  token = new Int32Array(1 << 16);
  order = new Uint8Array(1 << 16);
  count = new Float64Array(1 << 16); // c of the formula
  total = new Float64Array(1 << 16); // sum of count over the children
  types = new Int32Array(1 << 16); //   children with a count
  #slots = new Int32Array(1 << 18); //  node of an edge, 0: free

  start(): Int32Array {
    const path = new Int32Array(ORDER + 1).fill(-1);
    path[0] = 0;
    return path;
  }

  train(ids: Int32Array): void {
    let path = this.start();
    let next = this.start();
    for (const id of ids) {
      for (let k = 1; k <= ORDER; k++) {
        const context = path[k - 1]!;
        if (context < 0) break;
        const before = this.size;
        const node = this.#child(context, id, k);
        next[k] = node;
        if (k === ORDER) this.#add(node, context);
        // A new n-gram is a new token in front of the shorter one that it ends with.
        if (node === before && k > 1) this.#add(next[k - 1]!, path[k - 2]!);
      }
      [path, next] = [next, path];
    }
  }

  /** n1 / (n1 + 2 n2) by order; 0.5 where there is nothing to estimate it from. */
  discounts(): Float64Array {
    const ones = new Float64Array(ORDER + 1);
    const twos = new Float64Array(ORDER + 1);
    for (let node = 1; node < this.size; node++) {
      const count = this.count[node]!;
      if (count === 1) ones[this.order[node]!]! += 1;
      else if (count === 2) twos[this.order[node]!]! += 1;
    }
    return ones.map((n1, k) => (n1 > 0 && twos[k]! > 0 ? n1 / (n1 + 2 * twos[k]!) : 0.5));
  }

  /** The child of a node, or -1. */
  find(node: number, id: number): number {
    return this.#slots[this.#slot(node, id)]! || -1;
  }

  #add(node: number, context: number): void {
    const count = this.count[node]!;
    this.count[node] = count + 1;
    this.total[context]! += 1;
    if (count === 0) this.types[context]! += 1;
  }

  #child(node: number, id: number, order: number): number {
    const slot = this.#slot(node, id);
    const found = this.#slots[slot]!;
    if (found > 0) return found;
    if (this.size === this.parent.length) this.#growNodes();
    const child = this.size++;
    this.parent[child] = node;
    this.token[child] = id;
    this.order[child] = order;
    this.#slots[slot] = child;
    if (2 * this.size > this.#slots.length) this.#growSlots();
    return child;
  }

  #slot(node: number, id: number): number {
    const mask = this.#slots.length - 1;
    let h = Math.imul(node, 0x9e3779b1) ^ Math.imul(id + 1, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    let slot = (h ^ (h >>> 13)) & mask;
    for (;;) {
      const child = this.#slots[slot]!;
      if (child === 0 || (this.parent[child] === node && this.token[child] === id)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #growNodes(): void {
    const n = 2 * this.parent.length;
    const larger = <A extends { set(from: A): void }>(to: A, from: A): A => {
      to.set(from);
      return to;
    };
    this.parent = larger(new Int32Array(n), this.parent);
    this.token = larger(new Int32Array(n), this.token);
    this.order = larger(new Uint8Array(n), this.order);
    this.count = larger(new Float64Array(n), this.count);
    this.total = larger(new Float64Array(n), this.total);
    this.types = larger(new Int32Array(n), this.types);
  }

  #growSlots(): void {
    this.#slots = new Int32Array(4 * this.#slots.length);
    for (let child = 1; child < this.size; child++) {
      this.#slots[this.#slot(this.parent[child]!, this.token[child]!)] = child;
    }
  }
}
