// Cases of GptHeadLoss (src/ops/head_loss).

import { BF16_TOLERANCE, type CaseSize, type CaseTensor, type KernelCase, normal, tensor } from './kernel_case.js';

const F32_TOLERANCE = 5e-6;

/** How activations and wte are stored, and whether the call asks for products of bfloat16. */
interface Storage {
  readonly name: string;
  readonly activation: boolean;
  readonly weight: boolean;
  readonly products: boolean;
}

const F32: Storage = { name: 'f32', activation: false, weight: false, products: false };
const BF16: Storage = { name: 'bf16', activation: true, weight: true, products: true };
const MIXED: Storage[] = [
  { name: 'f32, products bf16', activation: false, weight: true, products: true },
  { name: 'bf16, wte f32', activation: true, weight: false, products: false },
];

/** The values as a product of bfloat16 takes them. */
function operand(values: CaseTensor, bf16: boolean): ArrayLike<number> {
  return bf16 ? tensor(values.shape, values.values as Float32Array, true).values : values.values;
}

/** Logits of row n, as they are stored between the two steps of the kernel. */
function logitsOf(
  h: ArrayLike<number>,
  wte: ArrayLike<number>,
  n: number,
  V: number,
  C: number,
  bf16: boolean,
): Float32Array {
  const row = new Float32Array(V);
  for (let v = 0; v < V; v++) {
    let dot = 0;
    for (let c = 0; c < C; c++) dot += h[n * C + c]! * wte[v * C + c]!;
    row[v] = dot;
  }
  return bf16 ? (tensor([V], row, true).values as Float32Array) : row;
}

function headLoss(
  h: CaseTensor,
  wte: CaseTensor,
  targets: Int32Array,
  weights: CaseTensor,
  dwte: CaseTensor | undefined,
  storage: Storage,
): Float64Array[] {
  const [N, C] = h.shape as [number, number];
  const V = wte.shape[0]!;
  const narrow = storage.activation || storage.products;
  const hs = operand(h, narrow);
  const ws = operand(wte, narrow);
  let loss = 0;
  const nll = new Float64Array(N);
  const dh = new Float64Array(N * C);
  const dw = Float64Array.from(dwte?.values ?? []);
  for (let n = 0; n < N; n++) {
    const target = targets[n]!;
    if (target < 0) continue;
    const logits = logitsOf(hs, ws, n, V, C, storage.activation);
    const top = logits.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (const logit of logits) total += Math.exp(logit - top);
    nll[n] = target < V ? Math.log(total) + top - logits[target]! : Number.NaN;
    loss += weights.values[n]! * nll[n]!;
    if (dwte === undefined || target >= V) continue;
    for (let v = 0; v < V; v++) {
      const d = weights.values[n]! * (Math.exp(logits[v]! - top) / total - (v === target ? 1 : 0));
      for (let c = 0; c < C; c++) {
        dh[n * C + c]! += d * ws[v * C + c]!;
        dw[v * C + c]! += d * hs[n * C + c]!;
      }
    }
  }
  return [Float64Array.of(loss), nll, ...(dwte ? [dh, dw] : [])];
}

/** spread: the standard deviation of the logits. */
function headLossCase(
  N: number,
  C: number,
  V: number,
  gradient: boolean,
  storage: Storage,
  spread: number,
): KernelCase {
  const h = normal([N, C], storage.activation);
  const wte = normal([V, C], storage.weight, spread / Math.sqrt(C));
  const weights = normal([N], false, 0.2, 1);
  const dwte = gradient ? normal([V, C]) : undefined;
  // the last word, the first one, a word in the middle, and rows that are not scored
  const targets = Int32Array.from({ length: N }, (_, n) => [V - 1, 0, -1, V >> 1, (n * 7919) % V][n % 5]!);
  return {
    kernel: 'GptHeadLoss',
    label: `${storage.name} N=${N} C=${C} V=${V}${gradient ? ' gradient' : ''}`,
    inputs: [h, wte, { shape: [N], values: targets }, weights],
    outputs: [[], [N], ...(dwte ? [[N, C], { update: dwte }] : [])],
    attrs: [N, C, V, Number(gradient), Number(storage.products)],
    tolerance: storage.activation || storage.products ? BF16_TOLERANCE : F32_TOLERANCE,
    operations: 2 * N * C * V * (gradient ? 3 : 1),
    expected: () => headLoss(h, wte, targets, weights, dwte, storage),
  };
}

export function headLossCases(size: CaseSize): KernelCase[] {
  if (size === 'large')
    return [F32, BF16].map((storage) => {
      const { expected: _, ...timed } = headLossCase(8 * 1024, 768, 50257, true, storage, 2);
      return timed;
    });
  return [F32, BF16]
    .flatMap((storage) => [
      headLossCase(1, 4, 1, true, storage, 1), //    a vocabulary of one
      headLossCase(7, 8, 5, true, storage, 1), //    less than a pack
      headLossCase(5, 8, 64, true, storage, 1), //   no columns of padding
      headLossCase(6, 4, 1003, true, storage, 20), // logits that are far apart
      headLossCase(1100, 1, 3, false, storage, 1), // several rows a thread in the loss
      headLossCase(2, 2, 17001, true, storage, 3), // several rounds of a block
    ])
    .concat(MIXED.map((storage) => headLossCase(5, 16, 77, true, storage, 2)));
}
