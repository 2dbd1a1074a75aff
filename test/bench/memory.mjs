// Memory of training, predicted (`gpt plan`, src/config/memory.ts) and measured: the largest resident size of a real
// `gpt pretrain` on the bundled stories, which trains three steps, validates, saves and writes a sample. Writes
// docs/benchmarks/memory.md.
//
//   npm run bench:memory          some 10 minutes, 8 GiB of memory and 5 GiB of disk; other programs do not matter

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CASES = [
  ['quickstart', 192, 8, 'fp32', false],
  ['mini', 256, 12, 'fp32', false],
  ['mini', 256, 12, 'fp32', true],
  ['mini', 256, 48, 'fp32', false],
  ['gpt1', 512, 4, 'fp32', false],
  ['gpt2-124m', 512, 2, 'fp32', false],
  ['gpt2-124m', 512, 2, 'bf16', false],
  ['gpt2-124m', 1024, 4, 'fp32', false],
  ['gpt2-124m', 1024, 4, 'fp32', true],
  ['gpt2-355m', 512, 1, 'fp32', false],
];
const TOKENIZER = {
  mini: ['--model.vocab_size', 257],
  gpt1: ['--tokenizer.type', 'gpt2-bpe', '--model.vocab_size', 50257],
};
// Told by the process itself as it ends: of all its threads, in KiB.
const TELL = `import{writeSync}from'node:fs';process.on('exit',()=>writeSync(2,'maxrss '+process.resourceUsage().maxRSS+'\\n'))`;

const place = mkdtempSync(join(tmpdir(), 'gpt-memory-'));

function gpt(args) {
  const node = ['--import', `data:text/javascript,${encodeURIComponent(TELL)}`, 'bin/gpt.js', 'pretrain'];
  const ended = spawnSync(process.execPath, [...node, ...args.map(String)], { cwd: ROOT, encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(ended.stderr);
  return ended;
}

const rows = [];
let worst = 0;
try {
  for (const [model, nCtx, batch, precision, recompute] of CASES) {
    const out = join(place, 'run');
    const args = [
      ...[model, '--data', 'data/stories/stories.jsonl', '--out', out, '--backend', 'native'],
      ...['--model.n_ctx', nCtx, '--train.micro_batch', batch, '--train.batch_tokens', 2 * nCtx * batch],
      ...['--train.max_steps', 3, '--train.precision', precision, '--train.recompute', recompute],
      ...['--train.eval_tokens', nCtx * batch, '--sample.tokens', 16, ...(TOKENIZER[model] ?? [])],
    ];
    const plan = JSON.parse(gpt([...args, '--dry-run', '--json']).stdout);
    const { stderr } = gpt([...args, '--quiet']);
    rmSync(out, { recursive: true });
    const predicted = plan.memory_bytes.total / 2 ** 30;
    const measured = Number(/maxrss (\d+)/.exec(stderr)[1]) / 2 ** 20;
    const off = 100 * (predicted / measured - 1);
    worst = Math.max(worst, Math.abs(off));
    const size = `${(plan.params / 1e6).toFixed(1)}M`;
    const cells = [model, size, `${batch} x ${nCtx}`, precision, recompute, predicted.toFixed(2), measured.toFixed(2)];
    rows.push(`| ${cells.join(' | ')} | ${off > 0 ? '+' : ''}${off.toFixed(1)} % |`);
    process.stdout.write(`${rows.at(-1)}\n`);
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}

writeFileSync(
  `${ROOT}/docs/benchmarks/memory.md`,
  `# Memory of training

${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model.trim()}, Node ${process.versions.node}, native backend, \`npm run bench:memory\`. GiB: predicted
from the shape alone (\`gpt plan\`, src/config/memory.ts), and the largest resident size of the process of a real
\`gpt pretrain\` on the bundled stories, which trains three steps of two micro-batches, validates, saves and writes a
sample. The worst prediction is ${worst.toFixed(1)} % off.

    gpt pretrain MODEL --data data/stories/stories.jsonl --backend native --model.n_ctx T --train.micro_batch B \\
      --train.batch_tokens 2BT --train.max_steps 3 --train.precision P --train.recompute R \\
      --train.eval_tokens BT --sample.tokens 16    # mini: --model.vocab_size 257; gpt1: GPT-2's tokenizer

| model | parameters | batch x context | precision | recompute | predicted | measured | off by |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

With \`train.recompute\` every block is computed twice in the forward direction: a step takes 1.21 to 1.35 times as long
(\`gpt bench\` on a quiet machine, 2026-11-25); losses and gradients are bitwise the same (test/model/recompute.test.ts).
`,
);
