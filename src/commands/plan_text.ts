// The plan of a run for a reader: sections of labelled lines and small tables, for a terminal of 80 columns.

import { bytes, count, duration, integer, plural } from '../base/format.js';
import { type PlanFigures, stageName } from './plan_figures.js';

const LABEL = 12; // columns
const COLUMNS = 80;

/** Lines with a label in front of the first; null: a table that is too wide for that. */
type Section = readonly [label: string | null, lines: readonly string[]];

/** The plan as text. Numbers: plan_figures.ts. */
export function figuresText(plan: PlanFigures): string {
  const sections: Section[] = [
    ['model', modelLines(plan)],
    ['parameters', parameterLines(plan)],
    ['memory', memoryLines(plan)],
    ['here', hereLines(plan)],
    ['disk', [`${bytes(plan.checkpoint_bytes)} a checkpoint, up to ${plan.checkpoints} at a time`]],
    ['batch', batchLines(plan)],
    ['compute', computeLines(plan)],
    ['run', runLines(plan)],
    ['paper', paperLines(plan)],
    ...speedSections(plan),
    ...rankSections(plan),
  ];
  return sections
    .flatMap(([label, lines]) =>
      label === null
        ? lines.map((line) => `  ${line}`)
        : lines.map((line, i) => (i > 0 ? '' : label).padEnd(LABEL) + line),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Cells in columns: the first to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}

function modelLines({ name, arch, n_layer, n_embd, n_head, n_ctx, local_layers, window_size }: PlanFigures): string[] {
  const shape = `${name}: ${arch}, ${n_layer} layers, ${n_embd} wide, ${n_head} heads, context ${integer(n_ctx)}`;
  if (window_size === null) return [shape];
  return [shape, `${local_layers} of ${n_layer} layers see only the last ${integer(window_size)} tokens`];
}

function parameterLines({ params, params_by_part: part, n_layer, vocab_size }: PlanFigures): string[] {
  const { token_embedding, position_embedding, attention, mlp, norms, final_norm } = part;
  return [
    integer(params),
    `embeddings: ${integer(token_embedding)} for ${integer(vocab_size)} tokens, ${integer(position_embedding)} for positions`,
    `${n_layer} blocks: attention ${integer(attention)}, MLP ${integer(mlp)}`,
    `norms: ${integer(norms)} in blocks, ${integer(final_norm)} at the end`,
  ];
}

function memoryLines(plan: PlanFigures): string[] {
  const { memory_bytes: memory, memory_other_recompute_bytes: other, recompute, bf16, micro_batch, n_ctx } = plan;
  const cells = (size: (of: typeof memory) => number) =>
    [memory, ...(other === null ? [] : [other])].map((of) => bytes(size(of)));
  const heads = other === null ? [''] : [`recompute ${recompute}`, `recompute ${!recompute}`];
  return table([
    [`micro-batch ${micro_batch} x ${integer(n_ctx)}`, ...heads],
    [bf16 ? 'weights, with a bf16 copy' : 'weights', ...cells((of) => of.weights)],
    ['gradients', ...cells((of) => of.gradients)],
    ['optimizer (two moments)', ...cells((of) => of.optimizer)],
    ['activations', ...cells((of) => of.activations)],
    ['working memory, process', ...cells((of) => of.working + of.process)],
    ['total', ...cells((of) => of.total)],
  ]);
}

function hereLines(plan: PlanFigures): string[] {
  const { device, available_bytes, fits, fits_here: here, arch, memory_other_recompute_bytes: other } = plan;
  const micro = (largest: number | null) => (largest === null ? 'none' : integer(largest));
  const again = other === null ? '' : `, with recompute ${micro(here.largest_micro_batch_recompute)}`;
  const preset = here.largest_preset;
  return [
    `${bytes(available_bytes)} available${device === 'gpu' ? ' on the GPU' : ''}: ${fits ? 'fits' : 'does not fit'}`,
    ...(here.fix === '' ? [] : [here.fix]),
    `largest micro-batch that fits: ${micro(here.largest_micro_batch)}${again}`,
    preset === null
      ? `no preset of ${arch} fits, even with micro-batch 1`
      : `largest ${arch} preset that fits (micro-batch 1, recompute): ${preset.name}`,
  ].flatMap(wrapped);
}

function batchLines({ batch_tokens, micro_batch, n_ctx, ramp }: PlanFigures): string[] {
  const micros = batch_tokens / (micro_batch * n_ctx);
  const batch = `${integer(batch_tokens)} tokens = ${integer(micros)} x micro-batch ${micro_batch} x ${integer(n_ctx)}`;
  if (ramp === null) return [batch];
  return [batch, `growing from ${integer(ramp.first_tokens)} over the first ${count(ramp.tokens)} tokens`];
}

function computeLines({ flops_per_token, flops_per_token_full }: PlanFigures): string[] {
  return [
    `${count(flops_per_token)} operations a token, visible keys alone (causal: 6N + 6LTC)`,
    `${count(flops_per_token_full)} with all T x T (full: 6N + 12LTC, N without positions)`,
  ];
}

function runLines({ steps, tokens, operations, at_gflops: at }: PlanFigures): string[] {
  const delivered = at === null ? '' : `at ${integer(at.gflops)} GFLOP/s`;
  if (steps === null || tokens === null || operations === null) {
    const daily = at === null ? [] : [`${count(at.tokens_per_day)} tokens a day ${delivered}`];
    return ['as long as the text is: give --tokens N (of one epoch), or --train.max_steps', ...daily].flatMap(wrapped);
  }
  return [
    `${integer(steps)} steps, ${count(tokens)} tokens, ${operations.toExponential(2)} operations`,
    ...(at === null || at.seconds === null ? [] : [`${duration(at.seconds)} ${delivered}`]),
  ];
}

function paperLines({ paper, tokens }: PlanFigures): string[] {
  if (paper === null) return [];
  if (paper.tokens === null) return wrapped(paper.what);
  return wrapped(`${count(paper.tokens)} tokens: ${paper.what}${isSame(paper.tokens, tokens) ? ', as this run' : ''}`);
}

const isSame = (a: number | null, b: number | null): boolean => a !== null && b !== null && Math.abs(a / b - 1) < 0.01;

function speedSections({ hardware, mfu, gpus, price, tokens, paper }: PlanFigures): Section[] {
  const ofPaper = paper?.tokens ?? null;
  const budgets: ('run' | 'paper')[] = [
    ...(tokens === null ? [] : (['run'] as const)),
    ...(ofPaper === null || isSame(ofPaper, tokens) ? [] : (['paper'] as const)),
  ];
  const head = ['device', 'TFLOP/s', 'tokens/day'];
  const both = budgets.length === 2;
  for (const budget of budgets) {
    head.push(`${budget}: GPU-h`, ...(both && budget === 'paper' ? [] : ['time']), ...(price === null ? [] : ['cost']));
  }
  const rows = hardware.map((device) => {
    const cells = [device.name, device.peak_tflops.toPrecision(3), count(device.tokens_per_day)];
    for (const budget of budgets) {
      const { gpu_hours, seconds, cost } = device[budget]!;
      cells.push(amount(gpu_hours), ...(both && budget === 'paper' ? [] : [duration(seconds)]));
      if (cost !== null) cells.push(amount(cost));
    }
    return cells;
  });
  const on = gpus === 1 ? 'one device' : `${integer(gpus)} devices`;
  const at = price === null ? '' : `; ${price} a GPU-hour`;
  return [
    ['speed', wrapped(`${on} at ${Math.round(1000 * mfu) / 10}% of the bf16 peak (--mfu, causal)${at}`)],
    [null, table([head, ...rows])],
  ];
}

/** <0.01, 0.12, 4.56, 23.4, 1.23k */
const amount = (x: number): string =>
  x < 0.01 ? '<0.01' : x < 1 ? x.toFixed(2) : x < 100 ? x.toPrecision(3) : count(x);

function rankSections({ ranks }: PlanFigures): Section[] {
  if (ranks === null) return [];
  const { gpus, gpu_memory_bytes: memory, stages, micro_batch, recompute, bf16, sequences } = ranks;
  const rows = stages.map(({ stage, weights, gradients, optimizer, activations, working, total, smallest_gpus }) => [
    stage === 0 ? 'plain DP' : stageName(stage),
    ...[weights, gradients, optimizer, activations + working, total].map((size) => bytes(size)),
    ...(memory === null ? [] : [smallest_gpus === null ? 'never' : integer(smallest_gpus)]),
  ]);
  const head = ['', 'weights', 'gradients', 'optimizer', 'activations', 'total'];
  if (memory !== null) head.push('min GPUs');
  const room = memory === null ? '' : ` of ${bytes(memory)}`;
  const precision = bf16 ? 'bf16' : 'float32';
  const first = ranks.first_stage_that_fits;
  const tooFew = `the batch has ${integer(sequences)} sequences, too few for ${integer(gpus)} micro-batches of ${micro_batch}`;
  return [
    ['ranks', [`${plural(gpus, 'GPU')}${room}: ${precision}, micro-batch ${micro_batch}, recompute ${recompute}`]],
    [null, table([head, ...rows])],
    [
      '',
      [
        first !== null
          ? `${stageName(first)} is the first that fits, up to micro-batch ${ranks.largest_micro_batch}`
          : memory === null
            ? '--gpu-memory 80GB or --hardware h100 shows which of them fits'
            : `none fits: ${ranks.advice}`,
        ...(gpus * micro_batch > sequences ? [tooFew] : []),
        'gpt itself trains on one device, without tensor or pipeline parallelism: this plans for other tools, or for later',
      ].flatMap(wrapped),
    ],
  ];
}

/** A sentence in lines that fit. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && LABEL + last.length + 1 + word.length <= COLUMNS)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
