// opParity: the one test that every fused op has. Forward and every gradient, kernel against composite.
//
// The kernel runs on backend `native`, the composite on TF.js's `cpu`, on the same numbers. The gradient is that of
// sum of outputs * cotangents, random ones. Inputs listed as `parameters` are run as plain tensors, whose gradients travel
// on the tape, and as Parameters: then they are added in place, and a second backward pass must double them.

import { expect } from 'vitest';
import { nativeIsBuilt } from '../../src/backends/build_folder.js';
import { type NativeBackend, registerNative } from '../../src/backends/native_backend.js';
import { elements, toBfloat16, toFloat32 } from '../../src/base/array.js';
import { Random, Stream } from '../../src/base/rng.js';
import { tf } from '../../src/base/tf.js';
import type { Inputs } from '../../src/ops/define.js';
import { anchor, Parameter } from '../../src/ops/parameter.js';

tf.env().set('IS_TEST', true); // TF.js then checks every kernel call for leaked tensors

/** The native backend, or undefined where it was not built: its tests are then skipped. */
export const native: NativeBackend | undefined = nativeIsBuilt()
  ? registerNative({ isa: process.env['GPT_ISA'], folder: process.env['GPT_BUILD_FOLDER'] })
  : undefined;

/** For titles of tests that need `native`. */
export const NEEDS_NATIVE = native === undefined ? ' (skipped: npm run build:native made no addon)' : '';

/** Plain numbers of one tensor. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

let ordinal = 0;

/** Standard normal numbers times `scale`, plus `shift`; other ones at each call. */
export function normal(shape: readonly number[], scale = 1, shift = 0): Values {
  const random = new Random(20, Stream.test, ordinal++);
  const data = new Float32Array(elements(shape));
  random.fillNormal(data, scale);
  return { shape, data: data.map((x) => x + shift) };
}

/** Uniform integers in [from, to). */
export function integers(shape: readonly number[], from: number, to: number): Values {
  const random = new Random(21, Stream.test, ordinal++);
  return { shape, data: Int32Array.from({ length: elements(shape) }, () => from + random.below(to - from)) };
}

/** The same numbers rounded to bfloat16. */
export function rounded({ shape, data }: Values): Values {
  const bytes = new Uint8Array(toBfloat16(data as Float32Array).buffer);
  return { shape, data: toFloat32({ dtype: 'BF16', shape: [data.length], bytes }) };
}

/** The tensor of these numbers on the active backend. */
export function tensorOf({ shape, data }: Values): tf.Tensor {
  return tf.tensor(data.slice(), [...shape], data instanceof Int32Array ? 'int32' : 'float32');
}

/** max |got - want| / (1 + max |want|); infinite for NaN or a wrong length. */
export function difference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let error = 0;
  let largest = 0;
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs(got[i]! - want[i]!);
    if (!(d <= error)) error = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
    largest = Math.max(largest, Math.abs(want[i]!));
  }
  return error / (1 + largest);
}

/** What to compare. */
export interface ParityCase<A> {
  readonly inputs: Readonly<Record<string, Values>>;
  readonly attrs: A;
  /** Inputs that a model passes as Parameters. */
  readonly parameters?: readonly string[];
  /** Float inputs without a gradient. */
  readonly constant?: readonly string[];
  /** Number of leading outputs that a gradient flows into. */
  readonly outputs?: number;
  /** The first output is the loss itself (headLoss, which also needs its parameter to be one). */
  readonly isLoss?: boolean;
  readonly tolerance?: number;
}

type Run<A> = (inputs: Inputs, attrs: A) => tf.Tensor[];

/** Compares `run`, the exported function, by its kernel with the op's composite. Needs `native`. */
export async function opParity<A>(
  op: { readonly name: string; composite(inputs: never, attrs: A): tf.Tensor[] },
  run: (inputs: never, attrs: A) => tf.Tensor[],
  c: ParityCase<A>,
): Promise<void> {
  const { parameters = [], isLoss = false, tolerance = 2e-6 } = c;
  const problems: string[] = [];
  const compare = (got: Results, want: Results, factor: number, where: string) => {
    for (const [name, values] of want) {
      const mine = got.get(name);
      const error =
        mine === undefined
          ? Number.NaN
          : difference(
              mine,
              values.map((x) => x * factor),
            ); // prettier-ignore
      if (!(error <= tolerance)) problems.push(`${where}: ${name} is off by ${error}`);
    }
  };

  await tf.setBackend('cpu');
  const want = evaluate(op.composite as Run<A>, c, [], 1);
  await tf.setBackend('native');
  const before = native!.calls.get(op.name) ?? 0;
  const passes = [1, 2].map((n) => evaluate(run as Run<A>, c, parameters, n));
  if (!isLoss) compare(evaluate(run as Run<A>, c, [], 1).gradients, want.gradients, 1, 'on the tape');
  compare(passes[0]!.outputs, want.outputs, 1, 'forward');
  compare(passes[0]!.gradients, want.gradients, 1, 'in place');
  for (const name of parameters) {
    const twice = new Map([[name, passes[1]!.gradients.get(name)!]]);
    compare(twice, new Map([[name, want.gradients.get(name)!]]), 2, 'in place, two passes');
  }
  expect(problems, op.name).toEqual([]);
  expect(native!.calls.get(op.name) ?? 0, 'calls of the kernel').toBeGreaterThan(before);
}

type Results = ReadonlyMap<string, Float32Array>;

/** Outputs, and gradients after `passes` backward passes, on the active backend. `owned` inputs are Parameters. */
function evaluate<A>(run: Run<A>, c: ParityCase<A>, owned: readonly string[], passes: number) {
  const { inputs, attrs, constant = [], outputs: count = 1, isLoss = false } = c;
  const outputs = new Map<string, Float32Array>();
  const gradients = new Map<string, Float32Array>();
  const made = new Map<string, tf.Tensor>();
  const parameters: Parameter[] = [];
  const variables = new Map<string, tf.Variable>();
  for (const [name, values] of Object.entries(inputs)) {
    const tensor = tensorOf(values);
    made.set(name, tensor);
    if (owned.includes(name)) {
      parameters.push(new Parameter(name, tensor));
      made.set(name, parameters.at(-1)!.value);
    } else if (values.data instanceof Float32Array && !constant.includes(name)) {
      variables.set(name, tf.variable(tensor));
      made.set(name, variables.get(name)!);
    }
    if (made.get(name) !== tensor) tensor.dispose();
  }
  const loss = () => {
    const ys = run(Object.fromEntries(made), attrs).slice(0, count);
    for (const [i, y] of ys.entries()) outputs.set(`output ${i}`, y.dataSync().slice() as Float32Array);
    if (isLoss) return ys[0] as tf.Scalar;
    return tf.addN(ys.map((y, i) => tf.sum(tf.mul(y, cotangent(y.shape, i))))) as tf.Scalar;
  };
  for (let pass = 0; pass < passes; pass++) {
    const { value, grads } = tf.variableGrads(loss, [...variables.values(), anchor()]);
    for (const [name, { name: id }] of variables) gradients.set(name, grads[id]!.dataSync().slice() as Float32Array);
    tf.dispose([value, grads]);
  }
  for (const p of parameters) {
    gradients.set(p.name, p.grad.dataSync().slice() as Float32Array);
    p.dispose();
  }
  tf.dispose([...made.values()]);
  return { outputs, gradients };
}

/** dL/d(output i): the same numbers for every backend. */
function cotangent(shape: readonly number[], i: number): tf.Tensor {
  const random = new Random(22, Stream.test, i);
  const data = new Float32Array(elements(shape));
  random.fillNormal(data, 1);
  return tensorOf({ shape, data });
}
