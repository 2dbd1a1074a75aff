// Cases of the optimizer's kernels. Mathematics: ops/optimizer/adamw.ts.

import { elements } from '../base/array.js';
import { type CaseSize, type CaseTensor, type KernelCase, normal, tensor } from './kernel_case.js';

// Kernels cut tensors into pieces of 16,384: less than a pack, one piece and a tail, several.
const SHAPES = [[5], [1], [29, 565], [33_001], [3, 256]];

interface Adam {
  readonly openai: boolean;
  readonly clip: number;
  readonly norm: number;
}

// Rates so large that a wrong update cannot hide behind the parameters.
const lr = 0.3;
const b1 = 0.9;
const b2 = 0.95;
const eps = 1e-3;
const correction1 = 1 - b1 ** 3;
const correction2 = 1 - b2 ** 3;
const decayOf = (shape: readonly number[]) => (shape.length >= 2 ? 0.4 : 0);

function adamAttrs(shapes: readonly (readonly number[])[], { openai, clip }: Adam): number[] {
  const numbers = [lr, b1, b2, eps, clip, openai ? 0 : 1e-6, correction1, correction2];
  return [shapes.length, openai ? 1 : 0, ...numbers, ...shapes.map(decayOf)];
}

/** p, m, v and g after an update of one parameter. */
function updated(p: CaseTensor, m: CaseTensor, v: CaseTensor, g: CaseTensor, { openai, clip, norm }: Adam) {
  const size = p.values.length;
  const out = [p, m, v, g].map(({ values }) => Float64Array.from(values));
  if (!Number.isFinite(norm)) return out;
  const coefficient = clip > 0 ? Math.min(1, clip / (norm + (openai ? 0 : 1e-6))) : 1;
  const wd = decayOf(p.shape);
  for (let i = 0; i < size; i++) {
    const gi = g.values[i]! * coefficient;
    const mi = b1 * m.values[i]! + (1 - b1) * gi;
    const vi = b2 * v.values[i]! + (1 - b2) * gi ** 2;
    const pi = p.values[i]!;
    if (openai) {
      const rate = (lr * Math.sqrt(correction2)) / correction1;
      out[0]![i] = pi - rate * (mi / (Math.sqrt(vi) + eps) + wd * pi);
    } else {
      out[0]![i] = pi - lr * wd * pi - (lr * (mi / correction1)) / (Math.sqrt(vi / correction2) + eps);
    }
    out[1]![i] = mi;
    out[2]![i] = vi;
    out[3]![i] = 0;
  }
  return out;
}

function adamCases(): KernelCase[] {
  const p = SHAPES.map((shape) => normal(shape, false, 0.1));
  const m = SHAPES.map((shape) => normal(shape));
  const v = SHAPES.map((shape) => {
    const { values } = normal(shape);
    return tensor(
      shape,
      Float32Array.from(values, (x) => x ** 2),
    );
  });
  const g = SHAPES.map((shape) => normal(shape, false, 3));
  const settings: Adam[] = [
    { openai: false, clip: 1, norm: 4 },
    { openai: false, clip: 1, norm: 0.5 },
    { openai: true, clip: 1, norm: 4 },
    { openai: true, clip: 1, norm: 0 },
    { openai: false, clip: 0, norm: 4 },
    { openai: true, clip: 0, norm: 4 },
    { openai: false, clip: 1, norm: Number.POSITIVE_INFINITY },
    { openai: false, clip: 0, norm: Number.POSITIVE_INFINITY },
    { openai: true, clip: 1, norm: Number.NaN },
  ];
  return settings.map((adam) => ({
    kernel: 'GptAdam',
    label: `${adam.openai ? 'openai' : 'adamw'} clip=${adam.clip} norm=${adam.norm}`,
    inputs: [tensor([], Float32Array.of(adam.norm))],
    outputs: [...p, ...m, ...v, ...g].map((update) => ({ update })),
    attrs: adamAttrs(SHAPES, adam),
    tolerance: Number.isFinite(adam.norm) ? 1e-6 : 0,
    expected() {
      const all = SHAPES.map((_, i) => updated(p[i]!, m[i]!, v[i]!, g[i]!, adam));
      return [0, 1, 2, 3].flatMap((k) => all.map((outputs) => outputs[k]!));
    },
  }));
}

function normCase(label: string, tensors: readonly CaseTensor[]): KernelCase {
  return {
    kernel: 'GptGlobalNorm',
    label,
    inputs: tensors,
    outputs: [[]],
    attrs: [],
    tolerance: 1e-7,
    expected() {
      let sum = 0;
      for (const { values } of tensors) for (const x of values) sum += x ** 2;
      return [Float64Array.of(Math.sqrt(sum))];
    },
  };
}

function roundCase(label: string, tensors: readonly CaseTensor[]): KernelCase {
  return {
    kernel: 'GptRoundWeights',
    label,
    inputs: tensors,
    outputs: tensors.map(({ shape }) => ({ update: normal(shape, true) })),
    attrs: [],
    tolerance: 0,
    expected: () => tensors.map((x) => Float64Array.from(tensor(x.shape, x.values as Float32Array, true).values)),
  };
}

function small(): KernelCase[] {
  const tensors = SHAPES.map((shape) => normal(shape));
  const huge = tensor([5], Float32Array.of(3e20, -1e-30, 4e20, 2, 12e20)); // squares beyond float32
  return [
    ...adamCases(),
    normCase('odd sizes', tensors),
    normCase('one element', [tensor([1], Float32Array.of(-3))]),
    normCase('beyond float32', [huge]),
    normCase('not finite', [tensors[0]!, tensor([2], Float32Array.of(1, Number.NaN))]),
    roundCase('odd sizes', tensors),
    roundCase('one tensor', [tensors[2]!]),
  ];
}

/** The parameters of GPT-2 124M. */
function shapes124M(): number[][] {
  const C = 768;
  const block = [[C], [C], [C, 3 * C], [3 * C], [C, C], [C], [C], [C], [C, 4 * C], [4 * C], [4 * C, C], [C]];
  return [[50_257, C], [1024, C], ...Array.from({ length: 12 }, () => block).flat(), [C], [C]];
}

function large(): KernelCase[] {
  const shapes = shapes124M();
  const zeros = new Float32Array(50_257 * 768);
  const tensors = shapes.map((shape) => ({ shape, values: zeros.subarray(0, elements(shape)) }));
  const parameters = shapes.reduce((sum, shape) => sum + elements(shape), 0);
  const adam = { openai: false, clip: 1, norm: 0.5 };
  const given = { label: `${shapes.length} tensors, ${parameters} elements`, tolerance: 0 };
  return [
    {
      ...given,
      kernel: 'GptAdam',
      inputs: [tensor([], Float32Array.of(adam.norm))],
      outputs: [0, 1, 2, 3].flatMap(() => tensors.map((update) => ({ update }))),
      attrs: adamAttrs(shapes, adam),
      bytes: 32 * parameters,
    },
    { ...given, kernel: 'GptGlobalNorm', inputs: tensors, outputs: [[]], attrs: [], bytes: 4 * parameters },
    {
      ...given,
      kernel: 'GptRoundWeights',
      inputs: tensors,
      outputs: tensors.map((t) => ({ update: { ...t, bf16: true } })),
      attrs: [],
      bytes: 6 * parameters,
    },
  ];
}

export function optimizerCases(size: CaseSize): KernelCase[] {
  return size === 'small' ? small() : large();
}
