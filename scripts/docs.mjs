// Runs the commands that README.md and docs/tutorial.md show: every line of their ```bash blocks, in order, in a new folder.
//
//   node scripts/docs.mjs [--fast] [--keep] [FILE...]        exits with 1 when a command ends otherwise than it should
//
// In full, a run of the papers' sizes is cut off after a minute (--max-minutes 1), since a machine without a GPU would take days;
// everything else runs as it is printed. --fast makes models and runs tiny: `npm test` does that (test/docs.test.ts).
//
// The folder has what a reader would have: configs, data and test of the repository, and files of their own (corpus.txt, my-text.txt,
// books/, rte/, ...), which are cut from the bundled data. `gpt` is bin/gpt.js, with a cache of its own and no network.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

const TINY = '--model.n_layer 1 --model.n_head 2 --model.n_embd 32 --model.n_ctx 64';
const SHORT =
  '--train.max_steps 2 --train.batch_tokens 128 --train.micro_batch 2 --train.eval_tokens 128 --sample.tokens 8';

/**
 * What a command needs beyond its own words; the first that matches counts.
 *   skip   why it is not run here        exit   what it ends with, where that is not 0
 *   fast, full   words added             until   it runs on: wait for this on its output, then Ctrl-C
 */
const RULES = [
  { match: /^npm (run quickstart|test|link|install|ci)\b/, skip: 'CI itself runs it' },
  { match: /^npx /, skip: 'test/package runs it' },
  { match: /^gpt pretrain --resume/, fast: '--train.max_steps 3' },
  { match: /^gpt (pretrain|finetune) .*(--dry-run|--print-config)/ },
  { match: /^gpt pretrain .*(gpt1|gpt2-|gpt3-)/, fast: `${TINY} ${SHORT}`, full: '--max-minutes 1' },
  { match: /^gpt pretrain/, fast: `${TINY} ${SHORT}` },
  { match: /^gpt finetune .*--task lm/, fast: SHORT },
  { match: /^gpt finetune .*--ablation/, fast: '--train.max_steps 1 --seeds 1' },
  { match: /^gpt finetune/, fast: '--train.max_steps 1' },
  { match: /^gpt generate .*--interactive/, skip: 'test/cli/e2e/generate.test.ts types into it' },
  { match: /^gpt generate/, fast: '--tokens 4' },
  { match: /^gpt eval .*--tasks(?!-dir)/, fast: '--limit 2 --bootstrap 10' },
  { match: /^gpt eval/ },
  { match: /^gpt bench --model/, fast: '--model mini --batch 1 --n-ctx 64 --steps 1 --warmup 0', full: '--steps 2' },
  { match: /^gpt tokenizer train/, fast: '--vocab-size 300' },
  { match: /^gpt watch/, until: 'http://127.0.0.1' },
  { match: /^gpt selftest/, exit: [0, 3] },
  { match: /^gpt (get|data get)/, exit: [4] }, // there is no network: GPT_HUB is a closed port
];

/** The commands of a page, in order: backslashes joined, comments gone. */
export function commandsOf(markdown) {
  const blocks = [...markdown.matchAll(/^```bash\n([\s\S]*?)^```/gm)].map(([, block]) => block);
  return blocks
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s+)# .*$/, '').trim())
    .filter((line) => line !== '');
}

/** How a command is run: its words, or why it is not. */
export function planOf(command, fast) {
  const rule = RULES.find(({ match }) => match.test(command)) ?? {};
  const added = (fast ? rule.fast : rule.full) ?? '';
  // words are added to the gpt of the line, before what it is piped into
  const line = added === '' ? command : command.replace(/^(gpt [^|&]*?)(\s*[|&].*)?$/, `$1 ${added}$2`);
  return { command, line, exit: rule.exit ?? [0], skip: rule.skip, until: rule.until };
}

/** A folder as a reader would have it. Returns its path. */
export function workplace() {
  const dir = mkdtempSync(path.join(tmpdir(), 'gpt-docs-'));
  const at = (...names) => path.join(dir, ...names);
  for (const name of ['configs', 'test', 'README.md', 'bin']) symlinkSync(path.join(REPOSITORY, name), at(name));
  mkdirSync(at('data')); // a folder of its own: commands write into it
  for (const name of readdirSync(path.join(REPOSITORY, 'data'))) {
    if (name !== 'sets') symlinkSync(path.join(REPOSITORY, 'data', name), at('data', name));
  }
  const rows = readFileSync(path.join(REPOSITORY, 'data/stories/stories.jsonl'), 'utf8').trimEnd().split('\n');
  const stories = rows.map((row) => JSON.parse(row).text);
  const text = (from, to) => `${stories.slice(from, to).join('\n\n')}\n`;
  writeFileSync(at('corpus.txt'), text(0, 600));
  writeFileSync(at('my-text.txt'), text(600, 1200));
  writeFileSync(at('held-out.txt'), text(1200, 1260));
  mkdirSync(at('corpus'));
  for (const part of [0, 1])
    writeFileSync(at('corpus', `${part}.jsonl`), `${rows.slice(part * 200, part * 200 + 200).join('\n')}\n`);
  mkdirSync(at('books', 'old'), { recursive: true });
  writeFileSync(at('books', 'old', 'one.txt'), text(0, 100));
  writeRte(at);
  mkdirSync(at('lm-evaluation-harness', 'lm_eval'), { recursive: true });
  symlinkSync(path.join(REPOSITORY, 'configs/tasks/standard'), at('lm-evaluation-harness', 'lm_eval', 'tasks'));
  const piqa = [0, 1, 0, 1].map((label, i) => ({
    goal: `count to ${i + 2}`,
    sol1: 'say the numbers',
    sol2: 'sing',
    label,
  }));
  writeSet(at('sets', 'baber', 'piqa', 'default'), piqa);
  const glue = [0, 1, 0, 1].map((label, idx) => ({ sentence1: `It is ${idx}.`, sentence2: 'It is 0.', label, idx }));
  writeSet(at('sets', 'nyu-mll', 'glue', 'rte'), glue);
  mkdirSync(at('path'));
  writeFileSync(
    at('path', 'gpt'),
    `#!/bin/sh\nexec '${process.execPath}' '${path.join(REPOSITORY, 'bin/gpt.js')}' "$@"\n`,
  );
  chmodSync(at('path', 'gpt'), 0o755);
  return dir;
}

/** Rows as both splits of an evaluation set. */
function writeSet(folder, rows) {
  mkdirSync(folder, { recursive: true });
  for (const split of ['train', 'validation']) {
    writeFileSync(path.join(folder, `${split}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
}

/** rte/{train,dev}.tsv, test.tsv and new.jsonl in GLUE's form, of the bundled entailment rows. */
function writeRte(at) {
  const rows = readFileSync(path.join(REPOSITORY, 'data/tasks/entailment/train.jsonl'), 'utf8').trimEnd().split('\n');
  const pairs = rows.map((row) => JSON.parse(row)).filter(({ label }) => label !== 'neutral');
  const tsv = (list) =>
    `index\tsentence1\tsentence2\tlabel\n${list.map((row, i) => `${i}\t${row.premise}\t${row.hypothesis}\t${row.label === 'entailment' ? 'entailment' : 'not_entailment'}\n`).join('')}`;
  mkdirSync(at('rte'));
  writeFileSync(at('rte', 'train.tsv'), tsv(pairs.slice(0, 64)));
  writeFileSync(at('rte', 'dev.tsv'), tsv(pairs.slice(64, 96)));
  writeFileSync(at('test.tsv'), tsv(pairs.slice(96, 112)));
  const unlabelled = pairs
    .slice(112, 120)
    .map(({ premise, hypothesis }) => ({ sentence1: premise, sentence2: hypothesis }));
  writeFileSync(at('new.jsonl'), unlabelled.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** Runs one; undefined when it went as it should, else what went wrong. */
export function runCommand({ line, exit, until }, dir) {
  const env = {
    ...process.env,
    PATH: `${path.join(dir, 'path')}${path.delimiter}${process.env.PATH}`,
    GPT_CACHE: path.join(dir, 'cache'),
    GPT_HUB: 'http://127.0.0.1:9',
  };
  const { status, stdout, stderr, error } = spawnSync('bash', ['-c', shellOf(line, until)], {
    cwd: dir,
    env,
    encoding: 'utf8',
    input: '',
    timeout: 1_800_000,
  });
  if (exit.includes(status)) return undefined;
  return `$ ${line}\nexit ${status}, expected ${exit.join(' or ')}\n${error ?? ''}${stdout.slice(-1500)}${stderr.slice(-1500)}`;
}

function shellOf(line, until) {
  if (until === undefined) return line;
  // a server is ended as a reader would, when it has said where it is
  return `set -m
${line} > out.log 2>&1 &
for i in $(seq 100); do grep -q '${until}' out.log && break; sleep 0.1; done
grep '${until}' out.log; code=$?; cat out.log >&2; kill -INT -- -$!; exit $code`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const fast = words.includes('--fast');
  const files = words.filter((word) => !word.startsWith('--'));
  let failed = 0;
  for (const file of files.length > 0 ? files : ['README.md', 'docs/tutorial.md']) {
    const dir = workplace();
    for (const command of commandsOf(readFileSync(path.join(REPOSITORY, file), 'utf8'))) {
      const plan = planOf(command, fast);
      if (plan.skip !== undefined) {
        console.log(`${file}: ${command}  -- not run: ${plan.skip}`);
        continue;
      }
      const begin = performance.now();
      const problem = runCommand(plan, dir);
      console.log(
        `${file}: ${plan.line}  ${problem === undefined ? 'ok' : 'FAILED'}  ${((performance.now() - begin) / 1000).toFixed(1)} s`,
      );
      if (problem === undefined) continue;
      failed++;
      console.log(problem);
    }
    if (words.includes('--keep')) console.log(`kept: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
  process.exit(failed === 0 ? 0 : 1);
}
