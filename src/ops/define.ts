// defineFusedOp: the one way to add an operation to gpt.
//
// A fused op has several implementations of the same mathematics, and they all live in one folder:
//
//   composite   plain TF.js ops, differentiated by the TF.js tape. Runs on every backend. It is the specification.
//   forward     calls the kernel of a backend that has one.
//   backward    calls the gradient kernels. Used only where `forward` is.
//   *.cpu.cc    the C++ kernels; *.cuda.cu those of a GPU, *.cuda.cc what launches them.
//
// Dispatch is one question: has the active backend a kernel of this name? If yes run it, else run the composite.
// The composite cannot be registered as a kernel instead: TF.js stops the tape inside a kernel (engine.ts, kernelDepth),
// so its gradient would be lost.
//
// TF.js frees nothing during a backward pass. So the gradient function here disposes what the op saved, and the incoming
// gradient, as soon as it has used them: peak memory halves.
//
// What only the backward needs (the input of GELU, log-sum-exps) is no output but `hidden`: for an output that nothing
// reads TF.js would make a gradient of zeros, fresh memory at every step.

import { type KernelBackend, kernelBackend, toTensors } from '../backends/kernel_backend.js';
import { DeviceError } from '../base/errors.js';
import { tf } from '../base/tf.js';
import { parameterOf } from './parameter.js';

/** Named tensor inputs of an op. */
export type Inputs = Readonly<Record<string, tf.Tensor>>;

/** Gradients by input name. */
export type Gradients<I> = Partial<Record<keyof I & string, tf.Tensor>>;

/** One operation: see the head of this file. */
export interface FusedOp<I extends Inputs, A> {
  /** Kernel name in the TF.js registry and in the addon, e.g. "GptLayerNorm". */
  readonly name: string;
  /** Its name in the addon, where two ops share a kernel. */
  readonly kernel?: string;
  /** Throws ShapeError when the inputs do not fit. Runs before either path, so both refuse the same calls. */
  check(inputs: I, attrs: A): void;
  /** Shapes of results that only the backward reads. */
  hidden?(inputs: I, attrs: A): (readonly number[])[];
  /** The op in plain TF.js. One result per output of the kernel. */
  composite(inputs: I, attrs: A): tf.Tensor[];
  /** The op by its kernel, which also fills the hidden results. */
  forward(backend: KernelBackend, inputs: I, attrs: A, hidden: { readonly update: tf.Tensor }[]): tf.TensorInfo[];
  /** Which inputs and outputs the backward needs, in the order `backward` receives them; hidden results follow. */
  readonly save: { readonly inputs: readonly (keyof I & string)[]; readonly outputs?: readonly boolean[] };
  /**
   * dL/d(input), given dL/d(output) of every output. For a parameter input it adds into `target(parameter)` and returns
   * that tensor; where areFrozen() it may leave it out.
   */
  backward(backend: KernelBackend, dy: tf.Tensor[], saved: tf.Tensor[], attrs: A): Gradients<I>;
}

let scratch: tf.Tensor[] = []; // of the kernel calls that are under way

function discardScratch(): void {
  tf.dispose(scratch);
  scratch = [];
}

/**
 * Where a kernel adds the gradient of a parameter: its own buffer; for a frozen one memory that is free again when the
 * forward or backward has returned; for any other tensor zeros, which the tape then carries.
 */
export function target(tensor: tf.Tensor): tf.Tensor {
  const parameter = parameterOf(tensor);
  if (parameter === undefined) return tf.zeros(tensor.shape);
  if (parameter.trainable) return parameter.grad;
  scratch.push(...toTensors([kernelBackend()!.allocate(tensor.shape, 'float32')]));
  return scratch.at(-1)!;
}

/** Whether all of these are frozen parameters: a backward then leaves out what only their gradients need. */
export const areFrozen = (...tensors: tf.Tensor[]): boolean =>
  tensors.every((tensor) => parameterOf(tensor)?.trainable === false);

/** Runs a gradient kernel and wraps its new outputs. */
export function callKernel(
  backend: KernelBackend,
  ...args: Parameters<KernelBackend['call']>
): [tf.Tensor, ...tf.Tensor[]] {
  return toTensors(backend.call(...args)) as [tf.Tensor, ...tf.Tensor[]];
}

/** Whether the active backend computes on while JavaScript does something else: results are then better read late. */
export const runsAhead = (): boolean => kernelBackend()?.isAsync ?? false;

const defined: FusedOp<Inputs, unknown>[] = [];

/**
 * Throws DeviceError when the active backend has fused kernels but lacks one of them, as an addon of older sources does:
 * that op's composite would run, and its parameters would silently get no gradient.
 */
export function requireFusedKernels(): void {
  const backend = kernelBackend();
  const names = new Set(defined.map(({ name, kernel = name }) => kernel));
  const missing = [...names].filter((name) => backend !== undefined && !backend.hasKernel(name));
  if (missing.length === 0) return;
  throw new DeviceError(
    `backend ${tf.getBackend()} lacks the kernels ${missing.join(', ')}`,
    'build it again: npm run build',
  );
}

/** Makes the op callable. Its kernel is registered with a backend at the op's first use there. */
export function defineFusedOp<I extends Inputs, A>(
  op: FusedOp<I, A>,
): ((inputs: I, attrs: A) => tf.Tensor[]) & {
  op: FusedOp<I, A>;
} {
  defined.push(op as unknown as FusedOp<Inputs, unknown>);
  tf.registerGradient({
    kernelName: op.name,
    inputsToSave: [...op.save.inputs],
    outputsToSave: [...(op.save.outputs ?? [])],
    gradFunc: (dy, saved, attrs) => {
      const dys = Array.isArray(dy) ? dy : [dy];
      const gradients = op.backward(kernelBackend()!, dys, saved, attrs as unknown as A);
      discardScratch();
      const returned = new Set(Object.values(gradients));
      for (const t of [...saved, ...dys]) if (!returned.has(t)) t.dispose();
      return Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, () => g as tf.Tensor]));
    },
  });

  let hidden: tf.Tensor[] = []; // of the call that is under way
  const run = (inputs: I, attrs: A): tf.Tensor[] => {
    op.check(inputs, attrs);
    const backend = kernelBackend();
    if (!backend?.hasKernel(op.kernel ?? op.name)) return op.composite(inputs, attrs);
    hidden = toTensors((op.hidden?.(inputs, attrs) ?? []).map((shape) => backend.allocate(shape, 'float32')));
    for (const t of hidden) tf.keep(t);
    if (tf.getKernel(op.name, tf.getBackend()) === undefined) {
      tf.registerKernel({
        kernelName: op.name,
        backendName: tf.getBackend(),
        kernelFunc: (call) => {
          const outputs = op.forward(
            call.backend as unknown as KernelBackend,
            call.inputs as unknown as I,
            call.attrs as unknown as A,
            hidden.map((update) => ({ update })),
          );
          discardScratch();
          return outputs;
        },
      });
    }
    let out: tf.Tensor | tf.Tensor[];
    try {
      const [named, numbers] = [inputs as unknown as tf.NamedTensorMap, attrs as unknown as tf.NamedAttrMap];
      out = tf.engine().runKernel(op.name, named, numbers);
    } catch (error) {
      tf.dispose(hidden);
      throw error;
    }
    // with a tape they join what it has saved for this op, and go when that does
    const { gradientDepth, kernelDepth, activeTape } = tf.engine().state;
    if (gradientDepth > 0 && kernelDepth === 0) activeTape.at(-1)!.saved!.push(...hidden);
    else tf.dispose(hidden);
    return Array.isArray(out) ? out : [out];
  };
  return Object.assign(run, { op });
}
