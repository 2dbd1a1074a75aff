// Run as a process of its own: results of every fused kernel, and of the products of float32 and of bfloat16.
//
//   kernel_results THREADS ISA FILE
//
// prints {isa, kernels, cases: [{name, hash, floats}]} and writes all results to FILE as float32, case after case.

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { registerNative } from '../../src/backends/native_backend.js';
import { elements } from '../../src/base/array.js';
import { tf } from '../../src/base/tf.js';

const [threads, isa, file] = process.argv.slice(2) as [string, string, string];
const backend = registerNative({ threads: Number(threads), isa, folder: process.env['GPT_BUILD_FOLDER'] });
await tf.setBackend('native');

let state = 1;
/** Uniform numbers in [-1, 1) times `scale`. */
function uniform(shape: readonly number[], scale = 1): tf.Tensor {
  const data = new Float32Array(elements(shape));
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (state / 2 ** 31 - 1) * scale;
  }
  return tf.tensor(data, [...shape], 'float32');
}
const ids = (shape: readonly number[], V: number) =>
  tf.tidy(() => tf.cast(tf.floor(tf.mul(tf.add(uniform(shape), 1), V / 2)), 'int32'));

const results: { name: string; hash: string; floats: number }[] = [];
const bytes: Buffer[] = [];

/** Calls a kernel on uniform inputs; the results are its new outputs and then the updated ones. */
function run(
  label: string,
  kernel: string,
  inputs: readonly (readonly number[] | tf.Tensor)[],
  outputs: readonly (readonly number[])[],
  updates: readonly (readonly number[] | tf.Tensor)[],
  attrs: readonly number[],
): void {
  tf.tidy(() => {
    const updated = updates.map((x) => (x instanceof tf.Tensor ? x : tf.abs(uniform(x))));
    const called = backend.call(
      kernel,
      inputs.map((x) => (x instanceof tf.Tensor ? x : uniform(x))),
      [...outputs, ...updated.map((update) => ({ update }))],
      attrs,
    );
    const values = [...called, ...updated].map((info) => backend.physical(info));
    const data = Buffer.concat(values.map((v) => Buffer.from(v.buffer, v.byteOffset, v.byteLength)));
    results.push({
      name: `${kernel} ${label}`,
      hash: createHash('sha256').update(data).digest('hex').slice(0, 16),
      floats: data.length / 4,
    });
    bytes.push(data);
    for (const info of called) backend.disposeData(info.dataId);
  });
}

/** A weight as products read it. */
function weight(shape: readonly number[], bf16: number): tf.Tensor {
  const tensor = uniform(shape);
  if (bf16 === 1) backend.narrow(tensor);
  return tensor;
}

function linearLayer(M: number, K: number, N: number, bf16: number): void {
  const label = `${M} x ${K} -> ${N}${bf16 ? ', bf16' : ''}`;
  for (const activation of [0, 1, 2]) {
    const outputs =
      activation === 0
        ? [[M, N]]
        : [
            [M, N],
            [M, N],
          ]; // prettier-ignore
    run(
      `${label}, activation ${activation}`,
      'GptLinear',
      [[M, K], weight([K, N], bf16), [N]],
      outputs,
      [],
      [M, N, K, activation, bf16],
    );
  }
  run(label, 'GptLinearGradInput', [[M, N], weight([K, N], bf16)], [[M, K]], [], [M, N, K, bf16]); // prettier-ignore
  run(
    label,
    'GptLinearGradWeight',
    [
      [M, K],
      [M, N],
    ],
    [],
    [[K, N], [N]],
    [M, N, K, bf16],
  ); // prettier-ignore
}

for (const bf16 of [0, 1]) {
  const label = bf16 ? ', bf16' : '';
  // the weight gradient of a width of 384 over 3072 positions, where oneDNN alone depends on the number of threads
  run(
    `3072 x 384 -> 1536${label}`,
    'GptLinearGradWeight',
    [
      [3072, 384],
      [3072, 1536],
    ],
    [],
    [[384, 1536], [1536]],
    [3072, 1536, 384, bf16],
  ); // prettier-ignore
  run(
    `3072 x 1536 -> 384${label}`,
    'GptLinearGradWeight',
    [
      [3072, 1536],
      [3072, 384],
    ],
    [],
    [[1536, 384], [384]],
    [3072, 384, 1536, bf16],
  ); // prettier-ignore
  run(
    `1536 x 384 -> 384${label}`,
    'GptLinearGradWeight',
    [
      [1536, 384],
      [1536, 384],
    ],
    [],
    [[384, 384], [384]],
    [1536, 384, 384, bf16],
  ); // prettier-ignore
  run(
    `768 x 384 -> 1536${label}`,
    'GptLinear',
    [[768, 384], weight([384, 1536], bf16), [1536]],
    [
      [768, 1536],
      [768, 1536],
    ],
    [],
    [768, 1536, 384, 1, bf16],
  ); // prettier-ignore
  run(
    `768 x 384 <- 1536${label}`,
    'GptLinearGradInput',
    [[768, 1536], weight([384, 1536], bf16)],
    [[768, 384]],
    [],
    [768, 1536, 384, bf16],
  ); // prettier-ignore
  for (const [M, K, N] of [
    [1, 384, 1152],
    [7, 5, 3],
    [100, 33, 257],
    [515, 129, 65],
    [2049, 17, 31],
  ] as const) {
    linearLayer(M, K, N, bf16);
  }
  for (const [n, width, vocabulary] of [
    [768, 96, 1003],
    [33, 17, 259],
  ] as const) {
    const inputs = [[n, width], weight([vocabulary, width], bf16), ids([n], vocabulary), [n]]; // prettier-ignore
    run(
      `${n} x ${width} x ${vocabulary}${label}`,
      'GptHeadLoss',
      inputs,
      [[], [n], [n, width]],
      [[vocabulary, width]],
      [n, width, vocabulary, 1, bf16],
    ); // prettier-ignore
  }
}
run('', 'GptRoundWeights', [[10_007]], [], [weight([10_007], 1)], []);
for (const [M, N, K] of [
  [100, 33, 257],
  [515, 129, 65],
] as const) {
  for (const [bf16, form] of [
    [0, 1],
    [0, 2],
    [1, 1],
  ] as const) {
    const inputs = [[M, N], weight([K, N], bf16), uniform([M, K], 8)];
    run(`${M} x ${N} x ${K}, ${bf16}, ${form}`, 'GptMlpGradHidden', inputs, [[M, K]], [], [M, N, K, form, bf16]);
  }
}

for (const [N, C] of [
  [100, 384],
  [33, 17],
  [1, 1000],
] as const) {
  const row = [C];
  const x = [N, C];
  run(`${N} x ${C}`, 'GptLayerNorm', [x, row, row], [x], [], [N, C, 1e-5]);
  run(`${N} x ${C}`, 'GptLayerNormGrad', [x, row, x], [x], [row, row], [N, C, 1e-5]);
  run(`${N} x ${C}`, 'GptResidualLayerNorm', [x, x, row, row], [x, x], [], [N, C, 1e-5]);
  run(`${N} x ${C}`, 'GptResidualLayerNormGrad', [x, row, x, x], [x], [row, row], [N, C, 1e-5]);
}

for (const [B, T, H, D, window, p] of [
  [3, 100, 6, 64, 100, 0],
  [1, 49, 5, 24, 8, 0.1],
  [2, 130, 3, 17, 130, 0.2],
] as const) {
  const C = H * D;
  const mask = p > 0 ? [1, Math.round(p * 2 ** 32), 1 / (1 - p), 3, 4, 5, 6] : [0, 0, 1, 0, 0, 0, 0];
  const attrs = [B, T, H, D, window, ...mask];
  const label = `${B} x ${T}, ${H} x ${D}, window ${window}, p ${p}`;
  const qkv = uniform([B, T, 3 * C], 2);
  run(
    label,
    'GptAttention',
    [qkv],
    [
      [B, T, C],
      [B, H, T],
    ],
    [],
    attrs,
  );
  const [y, lse] = backend
    .call(
      'GptAttention',
      [qkv],
      [
        [B, T, C],
        [B, H, T],
      ],
      attrs,
    )
    .map((info) => tf.engine().makeTensorFromTensorInfo(info)); // prettier-ignore
  run(label, 'GptAttentionGrad', [qkv, y!, lse!, [B, T, C]], [[B, T, 3 * C]], [], attrs);
  run(label, 'GptAttentionCached', [[B, 3, 3 * C]], [[B, 3, C]], [[2, B, T, C]], [B, 3, H, D, window, T, T - 3, 3]);
}

const [B, T, C, V] = [4, 65, 100, 50];
run('', 'GptEmbedding', [ids([B, T], V), [V, C], [T, C]], [[B, T, C]], [], [B, T, C, V, 0]);
run(
  '',
  'GptEmbeddingGrad',
  [ids([B, T], V), [B, T, C]],
  [],
  [
    [V, C],
    [T, C],
  ],
  [B, T, C, 0],
);
run('', 'GptDropout', [[10_007]], [[10_007]], [], [10_007, 2 ** 30, 4 / 3, 1, 2, 3, 4]);
const shapes = [[300, 257], [100], [65536], [65537], [1]]; // prettier-ignore
run('', 'GptGlobalNorm', shapes, [[]], [], []);
const all = [...shapes, ...shapes, ...shapes, ...shapes];
run('', 'GptAdam', [tf.scalar(3)], [], all, [5, 0, 1e-3, 0.9, 0.95, 1e-8, 1, 1e-6, 0.19, 0.1, 0.1, 0, 0, 0, 0]);
run('openai', 'GptAdam', [tf.scalar(3)], [], all, [5, 1, 1e-3, 0.9, 0.95, 1e-8, 1, 0, 0.19, 0.1, 0.1, 0, 0, 0, 0]);
writeFileSync(file, Buffer.concat(bytes));
const kernels = backend
  .kernels()
  .map(({ name }) => name)
  .filter((name) => name.startsWith('Gpt')); // prettier-ignore
process.stdout.write(JSON.stringify({ isa: backend.isa, kernels, cases: results }));
