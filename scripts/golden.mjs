// `npm run golden -- DIR --tasks-dir T --data D`: checks a folder of vectors that lm-evaluation-harness made.
//
//   DIR              harness_requests.json, harness_results.json, or both
//   --tasks-dir T    the harness's lm_eval/tasks, or another folder of task files that the vectors name
//   --data D         data sets: a data root, or original files as in ../shared/data; may be given again
//   --train-rows N   of sets whose original files have no training split (PIQA): so many rows of validation become it (900)
//
// harness_requests.json is a list of {yaml, task?, num_fewshot, fewshot_seed, limit, requests: [{doc_id, idx, args}]}: every
// argument must be equal as text. harness_results.json has tasks: [{yaml, num_fewshot, limit?, fewshot_seed?, requests,
// requests_sha256, bootstrap_iters, results}], the SHA-256 being that of Python's json.dumps of all arguments, and the results
// those of a model that answers by a hash of the request (fake_lm): equal within 1e-9 of the value. It may also have
// rolling_windows and weighted. One line an entry, with its first difference; exits with 1 where there is one.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openTask } from '../dist/commands/open_tasks.js';
import { Catalogue, tasksOf } from '../dist/eval/harness/catalogue.js';
import { rollingWindows } from '../dist/eval/perplexity.js';
import { AGGREGATIONS } from '../dist/eval/results/aggregation.js';
import { score } from '../dist/eval/results/score.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'tasks-dir': { type: 'string' },
    data: { type: 'string', multiple: true },
    'train-rows': { type: 'string', default: '900' },
  },
});
const [dir] = positionals;
const tasksDir = options['tasks-dir'];
if (positionals.length !== 1 || tasksDir === undefined || options.data === undefined) {
  console.error('usage: npm run golden -- DIR --tasks-dir T --data D');
  process.exit(2);
}

const catalogue = new Catalogue([tasksDir]);

/** The task of an entry, by its file; `task` names one of a group. */
async function open({ yaml, task: name }) {
  const file = path.resolve(tasksDir, yaml);
  const tasks = catalogue.load([file]).flatMap(tasksOf);
  const task = tasks.find((one) => one.name === (name ?? tasks[0].name));
  if (task === undefined) throw new Error(`${yaml} has no task ${name}`);
  return (await openTask(task, options.data, Number(options['train-rows']))).task;
}

const asked = (task, { num_fewshot, limit, fewshot_seed }) =>
  task.requests(task.shots(num_fewshot ?? undefined), {
    limit: limit ?? Number.POSITIVE_INFINITY,
    ...(fewshot_seed != null && { seed: fewshot_seed }),
  });

// ---- what is compared: each gives null, or the first difference in words

const short = (value) => JSON.stringify(value)?.slice(0, 1000);

async function requestsDiffer(entry) {
  const task = await open(entry);
  const got = (await asked(task, entry)).flatMap((doc) =>
    doc.requests.map((request, idx) => ({ doc_id: doc.id, idx, args: task.harnessArguments(request) })),
  );
  const { requests: want } = entry;
  for (let i = 0; i < Math.max(got.length, want.length); i++) {
    if (canonical(got[i]) !== canonical(want[i]))
      return `request ${i}:\n  want ${short(want[i])}\n  got  ${short(got[i])}`;
  }
  return null;
}

/** JSON whose keys are in order. */
const canonical = (value) =>
  JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

async function resultsDiffer(entry) {
  const task = await open(entry);
  const docs = await asked(task, entry);
  const args = docs.flatMap((doc) => doc.requests.map((request) => task.harnessArguments(request)));
  if (args.length !== entry.requests) return `${entry.requests} requests are wanted, there are ${args.length}`;
  const sha256 = createHash('sha256').update(pythonJson(args)).digest('hex');
  if (sha256 !== entry.requests_sha256) return `SHA-256 of the requests: want ${entry.requests_sha256}, got ${sha256}`;
  const answered = docs.map((doc) => ({ ...doc, answers: doc.requests.map(fakeAnswer) }));
  const { metrics } = score(answered, task.scoring, { bootstrap_iters: entry.bootstrap_iters });
  const got = Object.fromEntries(
    metrics.flatMap(({ metric, filter, value, stderr }) => [
      [`${metric},${filter}`, value],
      [`${metric}_stderr,${filter}`, stderr ?? 'N/A'],
    ]),
  );
  for (const [name, want] of Object.entries(entry.results)) {
    if (name !== 'alias' && !near(got[name], want)) return `${name}: want ${want}, got ${got[name]}`;
  }
  return null;
}

const near = (got, want) =>
  typeof want === 'number' && typeof got === 'number' ? Math.abs(got - want) <= 1e-9 * Math.abs(want) : got === want;

/** json.dumps(value, ensure_ascii=False) of lists and text. */
const pythonJson = (value) => (Array.isArray(value) ? `[${value.map(pythonJson).join(', ')}]` : JSON.stringify(value));

/** The answer of fake_lm: drawn from the hash of the request, and less likely the longer it is. */
function fakeAnswer(request) {
  if (request.kind !== 'loglikelihood') throw new Error(`fake_lm does not answer requests of kind ${request.kind}`);
  const hash = createHash('sha256').update(`${request.context}\0${request.continuation}`, 'utf8').digest();
  const logprob = -((hash.readUInt32BE(0) / 2 ** 32) * 10) - 0.25 * [...request.continuation].length;
  return { logprob, greedy: hash[4] < 64, tokens: 1, truncated: 0 };
}

function windowsDiffer({ n, max_seq_len, prefix, windows: want }) {
  const tokens = Array.from({ length: n }, (_, i) => i);
  const inputs = [prefix, ...tokens];
  const got = rollingWindows(n, max_seq_len).map(({ start, length, score: first }) => [
    inputs.slice(start, start + first + 1),
    tokens.slice(start + first, start + length),
  ]);
  return canonical(got) === canonical(want) ? null : `\n  want ${short(want)}\n  got  ${short(got)}`;
}

function weightedDiffer({ items, ...metrics }) {
  for (const [name, want] of Object.entries(metrics)) {
    const got = AGGREGATIONS[name].aggregate(items);
    if (!near(got, want)) return `${name}: want ${want}, got ${got}`;
  }
  return null;
}

// ----

let checked = 0;
let different = 0;

async function check(what, differ) {
  let difference;
  try {
    difference = await differ();
  } catch (error) {
    difference = `${error.message}${error.fix ? ` (${error.fix})` : ''}`;
  }
  checked++;
  if (difference !== null) different++;
  console.log(difference === null ? `SAME  ${what}` : `DIFF  ${what}: ${difference}`);
}

const read = (name) => {
  const file = path.join(dir, name);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
};
const title = ({ yaml, task, num_fewshot }) => `${yaml}${task ? ` ${task}` : ''}, ${num_fewshot ?? 'its own'} shots`;

const [requests, results] = [read('harness_requests.json'), read('harness_results.json')];
for (const entry of requests ?? []) {
  await check(`${title(entry)}: ${entry.requests.length} requests`, () => requestsDiffer(entry));
}
for (const entry of results?.tasks ?? []) {
  await check(`${title(entry)}: ${entry.requests} requests and their results`, () => resultsDiffer(entry));
}
for (const entry of results?.rolling_windows ?? []) {
  await check(`rolling windows of ${entry.n} tokens, ${entry.max_seq_len} at a time`, async () => windowsDiffer(entry));
}
if (results?.weighted) await check('weighted metrics', async () => weightedDiffer(results.weighted));

if (checked === 0) console.error(`${dir} has neither harness_requests.json nor harness_results.json`);
else console.log(different === 0 ? `all ${checked} entries are the same` : `${different} of ${checked} entries differ`);
process.exitCode = checked > 0 && different === 0 ? 0 : 1;
