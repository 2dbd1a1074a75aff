// `npm run bench:kernels`: attention, decoding and tokenization beside the limits of this machine, which are measured in the
// same run; to docs/benchmarks/kernels.md. Let nothing else run meanwhile.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { tf } from '../../dist/base/tf.js';
import { openBackend } from '../../dist/commands/backend.js';
import { measureLimits } from '../../dist/commands/limits.js';
import { loadConfig } from '../../dist/config/load.js';
import { resolveModel } from '../../dist/config/model_shape.js';
import { Gpt } from '../../dist/model/gpt.js';
import { initialValues } from '../../dist/model/init.js';
import { KvCache } from '../../dist/model/kv_cache.js';
import { gpt2Tokenizer } from '../../dist/tokenizer/gpt2.js';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
if (loadavg()[0] > 0.5) console.log(`warning: the load average is ${loadavg()[0]}: other programs share these cores`);
const backend = await openBackend({ backend: 'native' }, process.env);
const { native } = backend;
const limits = await measureLimits(backend, process.env);
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const share = (x, limit) => `${((100 * x) / limit).toFixed(0)} %`;
const timed = (run) => {
  const started = performance.now();
  run();
  return performance.now() - started;
};

// attention: operations of the visible pairs of query and key, 4 D forward and 10 D backward each
const attention = [
  [12, 256, 6, 64, 256],
  [8, 512, 12, 64, 512],
  [4, 1024, 12, 64, 1024],
  [2, 2048, 12, 64, 2048],
  [4, 2048, 12, 64, 256],
].map(([B, T, H, D, window]) => {
  const C = H * D;
  const attrs = [B, T, H, D, window, 0, 0, 1, 0, 0, 0, 0];
  const qkv = tf.randomNormal([B, T, 3 * C], 0, 1, 'float32', 1);
  const dy = tf.randomNormal([B, T, C], 0, 1, 'float32', 2);
  const pairs = B * H * (window * T - (window * (window - 1)) / 2);
  const [forward, backward] = [[], []];
  for (let i = 0; i < 15; i++) {
    let results = [];
    forward.push(
      timed(
        () =>
          (results = native.call(
            'GptAttention',
            [qkv],
            [
              [B, T, C],
              [B, H, T],
            ],
            attrs,
          )),
      ),
    );
    backward.push(
      timed(() => results.push(...native.call('GptAttentionGrad', [qkv, ...results, dy], [[B, T, 3 * C]], attrs))),
    );
    for (const { dataId } of results) native.disposeData(dataId);
  }
  tf.dispose([qkv, dy]);
  const rates = [4 * D * pairs, 10 * D * pairs].map((work, i) => work / median([forward, backward][i]) / 1e6);
  const cells = rates.map((rate) => `${rate.toFixed(0)} (${share(rate, limits.matmul_gflops)})`);
  return `| ${B} x ${T}, ${H} heads of ${D}${window < T ? `, band of ${window}` : ''} | ${cells.join(' | ')} |`;
});

// decoding: every weight is read once for the tokens of a batch
const { model } = loadConfig({ file: 'gpt2-124m', flags: [] }).run;
const shape = resolveModel(model, 50257);
const gpt = new Gpt(shape, initialValues(shape, 1));
const parameters = gpt.parameters().reduce((sum, { size }) => sum + size, 0);
async function decode(B) {
  const cache = new KvCache(shape.n_layer, shape.n_ctx);
  const ms = [];
  for (let i = 0; i < 80; i++) {
    const started = performance.now();
    const ids = new Int32Array(B).fill(i);
    const logits = tf.tidy(() => gpt.logits(gpt.hidden(tf.tensor2d(ids, [B, 1], 'int32'), { cache })));
    await logits.data();
    logits.dispose();
    ms.push(performance.now() - started);
  }
  cache.dispose();
  return median(ms.slice(20));
}
const decoding = [];
for (const [precision, bytes] of [
  ['float32', 4],
  ['bfloat16', 2],
]) {
  if (bytes === 2) for (const p of gpt.parameters()) if (p.shape.length === 2) native.narrow(p.value);
  for (const B of [1, 4]) {
    const ms = await decode(B);
    const gb = (bytes * parameters) / ms / 1e6;
    decoding.push(
      `| ${precision} | ${B} | ${((1000 * B) / ms).toFixed(1)} | ${gb.toFixed(1)} (${share(gb, limits.copy_gb_s)}) |`,
    );
  }
}

// GPT-2's tokenizer on the bundled stories, one core
const text = readFileSync(path.join(root, 'data/stories/stories.jsonl'), 'utf8');
const tokenizer = await gpt2Tokenizer();
const encoding = Array.from({ length: 9 }, () => timed(() => tokenizer.encode(text)));
const mb = Buffer.byteLength(text) / median(encoding) / 1e3;

const { node } = process.versions;
const lines = [
  '# Attention, decoding, tokenization',
  '',
  `${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model.trim()}, ${backend.threads} threads, Node ${node}, \`npm run bench:kernels\`. Limits of the machine, measured in the`,
  `same run: matrix product ${limits.matmul_gflops.toFixed(0)} GFLOP/s in float32, copy ${limits.copy_gb_s.toFixed(1)} GB/s. Medians.`,
  '',
  '**Attention**, GFLOP/s of the visible keys alone, and the share of the matrix product:',
  '',
  '| batch x context | forward | backward |',
  '|---|---|---|',
  ...attention,
  '',
  '**Decoding**, GPT-2 124M with a key-value cache; GB/s: bytes of the weights by the time of a token, and the share of copy:',
  '',
  '| weights | batch | tokens/s | GB/s |',
  '|---|---|---|---|',
  ...decoding,
  '',
  `**Tokenization**, GPT-2's BPE on the bundled stories, one core: ${mb.toFixed(0)} MB/s.`,
  '',
];
writeFileSync(path.join(root, 'docs/benchmarks/kernels.md'), lines.join('\n'));
console.log(lines.join('\n'));
