// Requests per second of an evaluation, against the plain ways to score them; to docs/benchmarks/eval.md:
//
//   node test/bench/eval.mjs [--rounds 5] [--data ../shared/data]      nothing else should run meanwhile
//
// GPT-2 124M with random weights, RTE's validation set with 4 shots, and PIQA's. All ways run on the same kernels:
//
//   one by one   each request alone, a full forward pass: logits at every position, log-softmax where it is asked about
//   head only    the same, but only asked positions go through the vocabulary
//   padded       as lm-evaluation-harness: sorted by length, 8 in a batch, padded, logits and log-softmax at every position
//   gpt eval     modelAnswerer
//
// The ways alternate, on other documents each round; the plain ones on a few of a round's. Medians of rounds.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { registerNative } from '../../dist/backends/native_backend.js';
import { tf } from '../../dist/base/tf.js';
import { loadConfig } from '../../dist/config/load.js';
import { resolveModel } from '../../dist/config/model_shape.js';
import { modelAnswerer } from '../../dist/eval/answer/answerer.js';
import { pairEncoder, sequencesOf } from '../../dist/eval/answer/pairs.js';
import { planOf } from '../../dist/eval/answer/plan.js';
import { PythonRandom } from '../../dist/eval/harness/python_random.js';
import { Gpt } from '../../dist/model/gpt.js';
import { initialValues } from '../../dist/model/init.js';
import { registerCoreKernels } from '../../dist/ops/core/register.js';
import { gpt2Tokenizer } from '../../dist/tokenizer/gpt2.js';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    data: { type: 'string', default: path.join(root, '../shared/data') },
  },
});
const rounds = Number(values.rounds);
const [DOCS, PLAIN_DOCS] = [24, 6]; // of a round
const load = loadavg()[0];
if (load > 0.5) console.log(`warning: the load average is ${load}: other programs share these cores`);

const native = registerNative({ threads: availableParallelism() });
registerCoreKernels(native, 'native');
native.pool.exact = false; // texts differ in length
await tf.setBackend('native');
const tokenizer = await gpt2Tokenizer();
const shape = resolveModel(loadConfig({ file: 'gpt2-124m', flags: [] }).run.model, tokenizer.vocabSize);
const model = new Gpt(shape, initialValues(shape, 1));
const { n_layer: L, n_embd: C, vocab_size: V, n_ctx } = shape;

// ---- requests

const lines = (file) => readFileSync(path.join(values.data, file), 'utf8').trimEnd().split('\n');
const rte = (file) =>
  lines(file)
    .slice(1)
    .map((line) => line.split('\t'))
    .map(([premise, hypothesis, label]) => ({
      text: `${premise}\nQuestion: ${hypothesis} True or False?\nAnswer:`,
      answer: [' True', ' False'][label],
    }));
const [train, validation] = [rte('rte/train.tsv'), rte('rte/dev.tsv')];
const random = new PythonRandom(1234);
const prompt = (shots, { text }) => shots.map((shot) => `${shot.text}${shot.answer}\n\n`).join('') + text;
const choices = (context, answers) => answers.map((continuation) => ({ kind: 'loglikelihood', context, continuation }));
const piqa = lines('piqa/valid.jsonl').map((line) => JSON.parse(line));

/** By name: the requests of a document. */
const workloads = {
  'RTE, 4 shots drawn for each document': validation.map((doc) =>
    choices(prompt(random.sample(train, 4), doc), [' True', ' False']),
  ),
  'RTE, the first 4 shots for all': validation.map((doc) =>
    choices(prompt(train.slice(0, 4), doc), [' True', ' False']),
  ),
  'PIQA, no shots': piqa.map(({ goal, sol1, sol2 }) => choices(`Question: ${goal}\nAnswer:`, [` ${sol1}`, ` ${sol2}`])),
};

// ---- ways

const encode = pairEncoder(tokenizer);
const sequences = (requests) =>
  requests.map(({ context, continuation }) => sequencesOf(encode(context, continuation), n_ctx)[0]);

/** Log-likelihoods from logits (B,T,V), of the last positions of each sequence's part. */
function logprobs(logits, group) {
  const [, T] = logits.shape;
  return tf.tidy(() => {
    const logp = tf.logSoftmax(logits);
    const at = group.flatMap(({ ids, targets }, b) =>
      [...targets].map((target, i) => (b * T + ids.length - targets.length + i) * V + target),
    );
    return tf.gather(tf.reshape(logp, [-1]), tf.tensor1d(at, 'int32')).dataSync();
  });
}

function alone(requests, fullLogits) {
  for (const sequence of sequences(requests)) {
    const { ids, targets } = sequence;
    const n = targets.length;
    tf.tidy(() => {
      const hidden = model.hidden(tf.tensor2d(ids, [1, ids.length], 'int32'));
      const asked = (x) => tf.slice(x, [0, ids.length - n, 0], [1, n, -1]);
      const logits = fullLogits ? asked(model.logits(hidden)) : model.logits(asked(hidden));
      logprobs(logits, [{ ids: targets, targets }]);
    });
  }
}

function padded(requests) {
  const all = sequences(requests).sort((a, b) => b.ids.length - a.ids.length);
  for (let i = 0; i < all.length; i += 8) {
    const group = all.slice(i, i + 8);
    const T = group[0].ids.length;
    const x = new Int32Array(group.length * T);
    for (const [b, { ids }] of group.entries()) x.set(ids, b * T);
    tf.tidy(() => logprobs(model.logits(model.hidden(tf.tensor2d(x, [group.length, T], 'int32'))), group));
  }
}

const answerer = modelAnswerer(model, tokenizer);
const ways = {
  'one by one': { docs: PLAIN_DOCS, run: (requests) => alone(requests, true) },
  'head only': { docs: PLAIN_DOCS, run: (requests) => alone(requests, false) },
  padded: { docs: PLAIN_DOCS, run: padded },
  'gpt eval': { docs: DOCS, run: (requests) => answerer.answer(requests) },
};

// ---- work, in operations: 24 C^2 a token and layer, 4 C a visible key, 2 C V a position in the vocabulary

const attended = (past, length) => 4 * C * L * (length * past + (length * (length + 1)) / 2);
const block = 24 * C * C * L;
function work(name, requests) {
  const all = sequences(requests);
  const tokens = all.reduce((sum, { ids }) => sum + ids.length, 0);
  const asked = all.reduce((sum, { targets }) => sum + targets.length, 0);
  const of = (tokens, rows, keys) => ({ tokens, rows, flops: tokens * block + rows * 2 * C * V + keys });
  const keys = all.reduce((sum, { ids }) => sum + attended(0, ids.length), 0);
  if (name === 'one by one') return of(tokens, tokens, keys);
  if (name === 'head only') return of(tokens, asked, keys);
  if (name === 'padded') {
    all.sort((a, b) => b.ids.length - a.ids.length);
    const lengths = all.map((_, i) => all[i - (i % 8)].ids.length);
    const read = lengths.reduce((a, b) => a + b);
    return of(
      read,
      read,
      lengths.reduce((sum, T) => sum + attended(0, T), 0),
    );
  }
  const plan = planOf(all, 1024);
  const sum = (f) => plan.reduce((total, chunk) => total + f(chunk), 0);
  return of(
    sum(({ ids }) => ids.length),
    sum(({ scores }) => new Set(scores.map(({ row }) => row)).size),
    sum(({ pieces }) => pieces.reduce((total, { past, length }) => total + attended(past, length), 0)),
  );
}

// ---- memory: 500 requests, a document at a time, before anything else has used any

const seen = new Set();
const resident = [];
for (const requests of workloads['PIQA, no shots'].slice(-250)) {
  await answerer.answer(requests);
  seen.add(tf.memory().numTensors);
  resident.push(process.memoryUsage().rss / 2 ** 20);
}
const mib = [50, 100, 150, 200, 250].map((docs) => resident[docs - 1].toFixed(0)).join(', ');
const memory = `500 requests of PIQA, two at a time: ${[...seen].join(', ')} tensors after each; MiB resident after every 100: ${mib}.`;
console.log(memory);

// ---- measured

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const table = [];
const report = [];
alone(workloads['PIQA, no shots'].slice(-2).flat(), true);
for (const [workload, docs] of Object.entries(workloads)) {
  const seconds = Object.fromEntries(Object.keys(ways).map((name) => [name, []])); // of a request
  const works = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const requests = docs.slice(round * DOCS, round * DOCS + way.docs).flat();
      const started = performance.now();
      await way.run(requests);
      seconds[name].push((performance.now() - started) / 1000 / requests.length);
      const { tokens, rows, flops } = work(name, requests);
      works[name].push([tokens, rows, flops].map((x) => x / requests.length));
    }
  }
  for (const name of Object.keys(ways)) {
    const mean = [0, 1, 2].map((k) => works[name].reduce((sum, w) => sum + w[k], 0) / rounds);
    const ratios = seconds['one by one'].map((base, i) => base / seconds[name][i]);
    const predicted = works['one by one'].reduce((sum, w) => sum + w[2], 0) / rounds / mean[2];
    const cells = [
      workload,
      name,
      mean[0].toFixed(0),
      mean[1].toFixed(1),
      (mean[2] / 1e9).toFixed(1),
      predicted.toFixed(2),
      (1 / median(seconds[name])).toFixed(2),
      median(ratios).toFixed(2),
      (mean[2] / median(seconds[name]) / 1e9).toFixed(0),
    ];
    table.push(`| ${cells.join(' | ')} |`);
    console.log(table.at(-1));
  }
  native.startProfile();
  const started = performance.now();
  await answerer.answer(docs.slice(0, DOCS).flat());
  const total = performance.now() - started;
  const ms = new Map();
  native.stopProfile((call) => ms.set(call.name, (ms.get(call.name) ?? 0) + call.ms));
  const shares = [...ms].sort((a, b) => b[1] - a[1]).slice(0, 6);
  const rest = total - [...ms.values()].reduce((a, b) => a + b, 0);
  const share = (x) => `${((100 * x) / total).toFixed(0)} %`;
  report.push(`| ${workload} | ${shares.map(([name, x]) => `${name} ${share(x)}`).join(', ')} | ${share(rest)} |`);
  console.log(report.at(-1));
}

const day = new Date().toISOString().slice(0, 10);
const text = `# Evaluation

${day}, ${cpus()[0].model.trim()}, ${availableParallelism()} threads, Node ${process.versions.node}, \`node test/bench/eval.mjs --rounds ${rounds}\`; load average at the start ${load.toFixed(1)}${load > 0.5 ? ', so other programs had part of the cores: ratios are rough, rates are not those of a quiet machine' : ''}.
GPT-2 124M with random weights in float32, n_ctx ${n_ctx}, requests of the real validation sets. Medians of ${rounds} rounds in which the four
ways take turns on the same kernels. Targets: 2.5 x one by one with shots drawn for each document, 5 x with the first 4 for all.

- **one by one**: each request alone in a full forward pass, logits at every position, log-softmax where it is asked about
- **head only**: the same, but only asked positions go through the vocabulary
- **padded**: as lm-evaluation-harness does: sorted by length, 8 in a batch, padded, logits and log-softmax at every position
- **gpt eval**: what requests share is read once, by a walk through their prefix tree; no padding; asked positions only

A request's share of the tokens read, of the positions that go through the vocabulary, and of the work: 24 L C^2 operations a
token, 4 L C a visible key, 2 C V a position in the vocabulary. Predicted: the ratio of the work to that of one by one.

| workload | way | tokens | vocabulary | GFLOP | predicted | requests/s | measured | GFLOP/s |
|---|---|---|---|---|---|---|---|---|
${table.join('\n')}

A round of gpt eval has ${DOCS} documents, over which the shots of all are counted (a whole validation set shares them further);
the plain ways run on the first ${PLAIN_DOCS} of them. The logits of a padded batch, and their
log-softmax, have 8 x T x V numbers each, 800 MB at T = 500: why it is slower than its work says was not measured further.

Where its time goes (share of wall time), ${DOCS} documents:

| workload | kernels | host and copies |
|---|---|---|
${report.join('\n')}

Memory: ${memory}
`;
writeFileSync(path.join(root, 'docs/benchmarks/eval.md'), text);
