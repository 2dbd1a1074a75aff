// Memory of training, predicted (src/config/memory.ts) and measured (gpt bench): writes docs/benchmarks/memory.md.
//
//   npm run bench:memory          about 3 minutes and 8 GiB; nothing else should run, for the times

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CASES = [
  ['mini', 256, 12],
  ['mini', 256, 48],
  ['gpt1', 512, 4],
  ['gpt2-124m', 512, 2],
  ['gpt2-124m', 1024, 4],
  ['gpt2-355m', 512, 1],
];

const rows = [];
let worst = 0;
for (const [model, nCtx, batch] of CASES) {
  const results = [[], ['--recompute']].map((flags) => {
    const args = [
      'bin/gpt.js',
      'bench',
      '--model',
      model,
      '--n-ctx',
      nCtx,
      '--batch',
      batch,
      '--steps',
      3,
      '--warmup',
      1,
    ];
    const out = execFileSync(process.execPath, [...args.map(String), ...flags, '--quiet'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return JSON.parse(out);
  });
  const [stored, again] = results;
  for (const { peak_mem_gib, predicted_mem_gib } of results) {
    worst = Math.max(worst, Math.abs(predicted_mem_gib / peak_mem_gib - 1));
  }
  const cells = results.flatMap((r) => [r.predicted_mem_gib.toFixed(2), r.peak_mem_gib.toFixed(2)]);
  rows.push(
    `| ${model} | ${batch} x ${nCtx} | ${cells.join(' | ')} | ${(again.step_s / stored.step_s).toFixed(2)} x |`,
  );
  process.stdout.write(`${rows.at(-1)}\n`);
}

writeFileSync(
  `${ROOT}/docs/benchmarks/memory.md`,
  `# Memory of training

${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model.trim()}, Node ${process.versions.node}, float32, \`npm run bench:memory\`. GiB: predicted from the
shape alone (\`gpt plan\`, src/config/memory.ts), and the largest resident size of the process. The worst prediction is
${(100 * worst).toFixed(1)} % off. The last column is the time of a step with \`train.recompute\`, which computes every block twice in the forward
direction, against one without; losses and gradients are bitwise the same (test/model/recompute.test.ts).

| model | batch x context | predicted | measured | recompute: predicted | measured | time of a step |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`,
);
