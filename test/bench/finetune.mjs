// `npm run bench:finetune -- --data DIR --out DIR`: pretrains a small GPT on raw text, fine-tunes it on real task sets, and
// writes docs/benchmarks/finetune.md and finetune.json. About three hours on two cores; what is in --out already is kept, so
// that it can be stopped and started again.
//
//   --data DIR   sst2/ cola/ rte/ stsb/ cosmosqa/ and the raw text beside them (wikitext2/ lambada/ hellaswag/ piqa/ mrpc/ sick/)
//   --out DIR    corpus, tokenizer and runs; not in the repository
//   --only NAME  stages, with commas between: corpus, pretrain, the tasks, table
//   --jobs N     runs at a time (2)
//
// Raw text is what has no labels: of the task sets only training sentences (and RTE's unlabelled test part). Some sentences of
// validation sets stand in training sets too: docs/benchmarks/finetune.md counts them. Settings were chosen on a split of SST-2's training sentences
// (docs/benchmarks/finetune.md says which were tried); validation sets were looked at once per run, SST-2's test set once.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    only: { type: 'string' },
    jobs: { type: 'string', default: '2' },
  },
});
if (options.data === undefined || options.out === undefined) throw new Error('usage: --data DIR --out DIR');
const jobs = Number(options.jobs);
const data = path.resolve(options.data);
const out = path.resolve(options.out);
mkdirSync(out, { recursive: true });
const gpt = (...args) => {
  const { status } = spawnSync(process.execPath, [path.join(root, 'bin/gpt.js'), ...args.map(String)], {
    cwd: out,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`gpt ${args.join(' ')} ended with ${status}`);
};

// ---- raw text

const textOf = (file) => readFileSync(path.join(data, file), 'utf8').replace(/^\uFEFF/, '');
const linesOf = (file) =>
  textOf(file)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
const columnsOf = (file, columns, skip = 0) =>
  linesOf(file)
    .slice(skip)
    .map((line) => line.split('\t'))
    .flatMap((row) => columns.map((c) => row[c] ?? ''));

/** Articles: a line "= Title =" begins one; other headings are left out, tokenizer marks undone. */
function articles(file) {
  const all = [[]];
  for (const line of linesOf(file)) {
    if (/^\s*= [^=]/.test(line)) all.push([]);
    else if (!/^\s*=/.test(line))
      all.at(-1).push(
        line
          .trim()
          .replace(/ @(.)@ /g, '$1')
          .replace(/<unk>/g, 'unk'),
      );
  }
  return all.map((lines) => lines.join('\n'));
}

function corpus() {
  const items = linesOf('hellaswag/hellaswag_val_full.txt'); // six lines each: context, label, four endings
  const documents = [
    ...['valid', 'test'].flatMap((name) => articles(`wikitext2/${name}.txt`)),
    ...linesOf('lambada/lambada_test.jsonl').map((line) => JSON.parse(line).text),
    ...items.filter((_, i) => i % 6 === 0 && i + 5 < items.length).map((line) => line.replace(/^[^:]*: /, '')),
    ...linesOf('piqa/tests.jsonl')
      .map((line) => JSON.parse(line))
      .map(({ goal, sol1 }) => `${goal} ${sol1}`),
    ...columnsOf('sst2/train.tsv', [0]),
    ...columnsOf('cola/in_domain_train.tsv', [3]),
    ...['train', 'test'].flatMap((name) => columnsOf(`rte/${name}.tsv`, [0, 1], 1)),
    ...columnsOf('stsb/sts-train.csv', [5, 6]),
    ...columnsOf('mrpc/msr_paraphrase_train.txt', [3, 4], 1),
    ...columnsOf('sick/SICK_train.txt', [1, 2], 1),
  ].map((text) => text.trim().toLowerCase());
  const unique = [...new Set(documents.filter((text) => text.length > 2))];
  let state = 12345; // a fixed shuffle, so that the sets alternate
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = unique.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [unique[i], unique[j]] = [unique[j], unique[i]];
  }
  writeFileSync(path.join(out, 'corpus.jsonl'), unique.map((text) => `${JSON.stringify({ text })}\n`).join(''));
}

// ---- the model: 6.9M parameters, 8.0M tokens (3.0 epochs)

const PRETRAIN = [
  ...[
    '--data',
    'corpus.jsonl',
    '--data.val_fraction',
    0.02,
    '--tokenizer.type',
    'file',
    '--tokenizer.path',
    'tok.json',
  ],
  ...['--model.n_ctx', 256, '--model.n_layer', 6, '--model.n_head', 8, '--model.n_embd', 256],
  ...['--model.resid_pdrop', 0.05, '--model.embd_pdrop', 0.05],
  ...['--train.batch_tokens', 2048, '--train.micro_batch', 8, '--train.max_steps', 3900, '--train.warmup_steps', 100],
  ...['--train.learning_rate', 1.2e-3, '--train.min_lr_ratio', 0.05, '--train.betas', '[0.9, 0.98]'],
  ...['--train.eval_every', 500, '--train.eval_tokens', 24576, '--train.save_every', 1000],
  ...['--sample.prompt', 'the movie is', '--sample.tokens', 40],
];

// ---- the tasks

const dropout = (p) => [
  '--model.resid_pdrop',
  p,
  '--model.embd_pdrop',
  p,
  '--model.attn_pdrop',
  0.1,
  '--finetune.clf_pdrop',
  p,
];
const SETTINGS = ['--train.warmup', 0.1, '--train.batch_size', 16, ...dropout(0.2)];
const OTHERS = ['--train.learning_rate', 5e-4, '--data.lower_case', true];
const SEEDS = [1337, 1338, 1339];
const file = (name) => path.join(data, name);

/** name, flags, seeds */
const TASKS = {
  sst2: {
    flags: [
      'sst2',
      '--data',
      file('sst2/train.tsv'),
      '--val',
      file('sst2/dev.tsv'),
      '--test',
      file('sst2/test.tsv'),
      '--train.learning_rate',
      1e-3,
      '--train.max_epochs',
      2,
    ],
    seeds: SEEDS,
    variants: {
      pretrained: [],
      'no LM loss': ['--finetune.lm_coef', 0],
      'from scratch': ['--finetune.init', 'random'],
    },
  },
  rte: {
    flags: ['rte', '--data', file('rte/train.tsv'), '--val', file('rte/dev.tsv'), ...OTHERS],
    seeds: [1337],
  },
  cola: {
    flags: ['cola', '--data', file('cola/in_domain_train.tsv'), '--val', file('cola/in_domain_dev.tsv'), ...OTHERS],
    seeds: [1337],
  },
  stsb: {
    flags: ['stsb', '--data', file('stsb/sts-train.csv'), '--val', file('stsb/sts-dev.csv'), ...OTHERS],
    seeds: [1337],
  },
  cosmosqa: {
    flags: ['cosmosqa', '--data', file('cosmosqa/valid.csv'), ...OTHERS, '--train.max_epochs', 2],
    seeds: [1337],
  },
};

const folderOf = (task, variant, seed) => path.join(out, 'runs', `${task}-${variant.replaceAll(' ', '-')}-${seed}`);
const eventsOf = (folder) =>
  readFileSync(path.join(folder, 'run.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
const isDone = (folder) =>
  existsSync(path.join(folder, 'run.jsonl')) &&
  eventsOf(folder).some(({ type, reason }) => type === 'end' && reason === 'done');

/** Runs of tasks that are not done yet, `--jobs` at a time: two processes of one thread do more than one of two. */
async function finetune(names) {
  const waiting = names.flatMap((name) => {
    const { flags, seeds, variants = { pretrained: [] } } = TASKS[name];
    return seeds.flatMap((seed) =>
      Object.entries(variants).map(([variant, more]) => {
        const folder = folderOf(name, variant, seed);
        return { folder, args: [...flags, ...SETTINGS, ...more, '--train.seed', seed] };
      }),
    );
  });
  const threads = Math.max(1, Math.floor(availableParallelism() / jobs));
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { folder } = job;
      if (isDone(folder)) continue;
      rmSync(folder, { recursive: true, force: true }); // one that was stopped
      const args = ['finetune', 'base', ...job.args, '--threads', threads];
      const log = openSync(`${folder}.txt`, 'w');
      const child = spawn(process.execPath, [path.join(root, 'bin/gpt.js'), ...args.map(String), '--out', folder], {
        cwd: out,
        stdio: ['ignore', log, log],
      });
      const code = await new Promise((resolve) => child.once('exit', resolve));
      console.log(`${path.basename(folder)} ended with ${code}`);
    }
  };
  mkdirSync(path.join(out, 'runs'), { recursive: true });
  await Promise.all(Array.from({ length: jobs }, worker));
}

// ---- the table

const mean = (xs) => xs.reduce((a, b) => a + b, 0) / xs.length;
const deviation = (xs) => Math.sqrt(xs.reduce((a, x) => a + (x - mean(xs)) ** 2, 0) / Math.max(1, xs.length - 1));

/** Final metrics of all finished runs: one row per task, variant, split and metric. */
function rows() {
  const found = [];
  for (const [task, { seeds, variants = { pretrained: [] } }] of Object.entries(TASKS)) {
    for (const variant of Object.keys(variants)) {
      const runs = seeds
        .map((seed) => folderOf(task, variant, seed))
        .filter(isDone)
        .map(eventsOf);
      const finals = runs.map((events) => events.filter(({ settings }) => settings?.which === 'final'));
      if (finals.length === 0) continue;
      for (const { name: split, metrics, baseline } of finals[0]) {
        for (const metric of Object.keys(metrics)) {
          const same = finals.map((evals) => evals.find(({ name }) => name === split).metrics[metric]);
          const values = same.map(({ value }) => value);
          const examples = same[0].n;
          const seconds = runs.map((events) =>
            events.filter(({ type }) => type === 'step').reduce((s, e) => s + e.step_ms / 1000, 0),
          );
          found.push({
            task,
            variant,
            split,
            metric,
            values,
            examples,
            mean: mean(values),
            over_seeds: values.length > 1 ? deviation(values) : null,
            bootstrap: mean(same.map(({ stderr }) => stderr)),
            baseline: baseline?.metrics[metric] ?? null,
            train_minutes: mean(seconds) / 60,
          });
        }
      }
    }
  }
  return found;
}

function table() {
  const all = rows();
  const start = eventsOf(path.join(out, 'base'))[0];
  const about = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    node: process.version,
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim(),
    parameters: start.params,
  };
  writeFileSync(
    path.join(root, 'docs/benchmarks/finetune.json'),
    `${JSON.stringify({ ...about, rows: all }, null, 1)}\n`,
  );
  const line = (r) => {
    const error = r.over_seeds === null ? '' : ` ± ${(100 * r.over_seeds).toFixed(1)}`;
    return `| ${r.task} | ${r.variant} | ${r.split} (${r.examples}) | ${r.metric} | **${(100 * r.mean).toFixed(1)}**${error} | ${(100 * r.bootstrap).toFixed(1)} | ${r.baseline === null ? '-' : (100 * r.baseline).toFixed(1)} | ${r.values.length} | ${r.train_minutes.toFixed(1)} |`;
  };
  const head =
    '| task | variant | split | metric | mean ± deviation over seeds | bootstrap | baseline | seeds | minutes |\n|--|--|--|--|--|--|--|--|--|';
  const file = path.join(root, 'docs/benchmarks/finetune.md');
  const [before = '', , after = ''] = existsSync(file) ? readFileSync(file, 'utf8').split(/<!-- table -->/) : [];
  const body = `\n${about.date}, ${about.cpu}, ${about.cores} threads, ${about.node}, commit ${about.commit}; in percent.\n\n${head}\n${all.map(line).join('\n')}\n`;
  writeFileSync(file, `${before}<!-- table -->${body}<!-- table -->${after}`);
  console.log(body);
}

// ---- all of it

const stages = {
  corpus() {
    if (existsSync(path.join(out, 'tok.json'))) return;
    corpus();
    gpt('tokenizer', 'train', 'corpus.jsonl', '--vocab-size', 8192, '--out', 'tok.json');
  },
  pretrain() {
    if (!isDone(path.join(out, 'base'))) gpt('pretrain', ...PRETRAIN, '--out', 'base');
  },
};
const chosen = options.only?.split(',') ?? [...Object.keys(stages), ...Object.keys(TASKS), 'table'];
for (const name of chosen) stages[name]?.();
await finetune(chosen.filter((name) => name in TASKS));
if (chosen.includes('table')) table();
