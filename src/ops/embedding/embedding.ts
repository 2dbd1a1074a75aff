// Token plus position embedding.
//
//   x[b,t] = wte[ids[b,t]] + wpe[first + t]
//   dwte[id] += sum of dx where ids = id;   dwpe[first + t] += sum over b of dx[b,t]
//
// ids (B,T) int32, wte (V,C), wpe (P,C) -> x (B,T,C). `first` is the position of the first token (key-value cache).
// The head shares wte: its gradient is the sum of both uses.
// Kernels: embedding.cpu.cc, embedding.cuda.cc. Test: test/ops/embedding.test.ts.

import { ShapeError } from '../../base/errors.js';
import { tf } from '../../base/tf.js';
import { areFrozen, callKernel, defineFusedOp, target } from '../define.js';
import { anchor, forProduct } from '../parameter.js';

type EmbeddingInputs = { ids: tf.Tensor; wte: tf.Tensor; wpe: tf.Tensor; anchor: tf.Tensor };
interface EmbeddingAttrs {
  readonly first: number;
}

const embeddingOp = defineFusedOp<EmbeddingInputs, EmbeddingAttrs>({
  name: 'GptEmbedding',

  check({ ids, wte, wpe }, { first }) {
    if (ids.rank !== 2) throw new ShapeError('embedding', 'ids', ids.shape, '(B,T)');
    if (wte.shape[1] !== wpe.shape[1])
      throw new ShapeError('embedding', 'wpe', wpe.shape, `(P,C) with C = ${wte.shape[1]}`);
    if (first + ids.shape[1]! > wpe.shape[0]!) {
      throw new ShapeError('embedding', 'ids', ids.shape, `(B,T) with ${first} + T <= n_ctx = ${wpe.shape[0]}`);
    }
  },

  composite({ ids, wte, wpe }, { first }) {
    const T = ids.shape[1]!;
    const tokens = tf.gather(wte, ids as tf.Tensor2D); //                    (B,T,C)
    const positions = tf.slice(wpe, [first, 0], [T, wpe.shape[1]!]); //      (T,C)
    return [tf.add(tokens, positions)];
  },

  forward(backend, { ids, wte, wpe }, { first }) {
    const [B, T] = ids.shape as [number, number];
    const [V, C] = wte.shape as [number, number];
    // a backend that stores activations as bfloat16 reads the copies: x is then stored like them, and all that follows
    const tables = [wte, wpe].map((table) => (backend.storesBf16 ? forProduct(table).operand : table));
    return backend.call('GptEmbedding', [ids, ...tables], [[B, T, C]], [B, T, C, V, first]);
  },

  save: { inputs: ['ids', 'wte', 'wpe'] },

  backward(backend, [dx], [ids, wte, wpe], { first }) {
    if (areFrozen(wte!, wpe!)) return { anchor: tf.scalar(0) };
    const [B, T, C] = dx!.shape as [number, number, number];
    const dwte = target(wte!);
    const dwpe = target(wpe!);
    callKernel(backend, 'GptEmbeddingGrad', [ids!, dx!], [{ update: dwte }, { update: dwpe }], [B, T, C, first]);
    return { wte: dwte, wpe: dwpe, anchor: tf.scalar(0) };
  },
});

/** x (B,T,C) = wte[ids] + wpe[first ..]. Throws ShapeError; an id outside the vocabulary is an error of the kernel. */
export function embedding(ids: tf.Tensor2D, wte: tf.Tensor, wpe: tf.Tensor, first = 0): tf.Tensor3D {
  return embeddingOp({ ids, wte, wpe, anchor: anchor() }, { first })[0] as tf.Tensor3D;
}
embedding.op = embeddingOp.op;
