// Draws a run from its events. Three shapes of output, all on stdout (warnings on stderr):
//
//   terminal   header, a live bar, one table line above it per validation, checkpoints, samples, end block
//   no terminal  the same without the bar, and a plain line every train.log_every updates
//   --json     every event as one JSON line, and nothing else
//
// --quiet leaves the final summary. The bar never wraps: what does not fit the width is left out, least important
// first. cli-progress redraws at most eight times a second; an event itself only stores numbers.
// Text blocks (header, end): run_text.ts.

import { SingleBar } from 'cli-progress';
import type { EvalEvent, Reporter, RunEvent, SampleEvent, StartEvent, StepEvent, ValEvent } from '../base/events.js';
import { bytes, count, duration, integer, percent } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { MovingAverage } from '../base/moving_average.js';
import { isSpike } from '../base/spike.js';
import { isFinal } from '../base/task_result.js';
import { type Paint, painter } from './block.js';
import { endBlock, headerBlock, inContextLine, sampleBlock } from './run_text.js';
import { epochMetrics, epochText, plainEpoch, resultBlock } from './task_text.js';

/** Where and how to draw. */
export interface TerminalOptions {
  readonly out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  readonly err: NodeJS.WritableStream;
  readonly color: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** How the user calls gpt, for the commands that are suggested: "gpt", or "node bin/gpt.js" from a clone. */
  readonly program?: string;
}

/** A reporter for --quiet, --json, a terminal or a plain stream, in this order of precedence after --json. */
export function terminalReporter(options: TerminalOptions): Reporter {
  if (options.json) return jsonReporter(options.out);
  return new TextReporter(options);
}

function jsonReporter(out: NodeJS.WritableStream): Reporter {
  return { on: (event) => void out.write(`${jsonText(event)}\n`), close: async () => {} };
}

const LOSS_DECAY = 0.9; // of the shown loss: about the last 10 updates

/** What the summary of --quiet needs. */
const QUIET_EVENTS: ReadonlySet<RunEvent['type']> = new Set(['start', 'eval', 'end']);

class TextReporter implements Reporter {
  readonly #options: TerminalOptions;
  readonly #paint: Paint;
  #start: StartEvent | undefined;
  #step: StepEvent | undefined;
  #val: ValEvent | undefined;
  #epoch: EvalEvent | undefined;
  readonly #results: EvalEvent[] = [];
  readonly #loss = new MovingAverage(LOSS_DECAY);
  readonly #taskLoss = new MovingAverage(LOSS_DECAY);
  #bar: SingleBar | undefined;
  #tableWidth = 0; // 0: the table's head is not there yet
  #finalSample: SampleEvent | undefined;
  #restore: (() => void) | undefined;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#paint = painter(options.color);
  }

  on(event: RunEvent): void {
    if (this.#options.quiet && !QUIET_EVENTS.has(event.type)) return;
    switch (event.type) {
      case 'start':
        this.#onStart(event);
        break;
      case 'step':
        this.#onStep(event);
        break;
      case 'val':
        this.#onVal(event);
        break;
      case 'eval':
        this.#onEval(event);
        break;
      case 'checkpoint': {
        const best = event.best ? ` ${this.#paint.good('best')}` : '';
        const cost = `${bytes(event.bytes)} in ${duration(event.seconds)}`;
        this.#print(`${this.#paint.good('saved')} ${event.dir}${best}  ${this.#paint.dim(cost)}\n`);
        break;
      }
      case 'sample':
        if (this.#start && event.step >= this.#start.max_steps) this.#finalSample = event;
        else this.#print(sampleBlock(event, this.#columns, this.#paint));
        break;
      case 'warning':
        this.#above(() =>
          this.#options.err.write(`${this.#paint.warn('warning:')} ${event.what}\n  fix: ${event.fix}\n`),
        );
        break;
      case 'end': {
        this.#stopBar();
        const { quiet } = this.#options;
        const sample = quiet ? undefined : this.#finalSample;
        this.#finalSample = undefined;
        this.#write(
          endBlock({
            start: this.#start,
            end: event,
            sample,
            evals: this.#results.splice(0),
            quiet,
            columns: this.#columns,
            paint: this.#paint,
            program: this.#options.program ?? 'gpt',
          }),
        );
      }
    }
  }

  async close(): Promise<void> {
    this.#stopBar();
  }

  get #columns(): number {
    return this.#options.out.columns || 80;
  }

  #write(text: string): void {
    this.#options.out.write(text);
  }

  #onStart(event: StartEvent): void {
    this.#start = event;
    if (this.#options.quiet) return;
    this.#write(`${headerBlock(event, this.#columns, this.#paint)}\n`);
    if (this.#options.out.isTTY) this.#startBar();
  }

  #onStep(event: StepEvent): void {
    this.#step = event;
    this.#loss.add(event.loss);
    if (event.task_loss !== undefined) this.#taskLoss.add(event.task_loss);
    if (this.#options.out.isTTY) this.#bar?.update(event.step);
    else if (event.step === 1 || event.step % logEvery(this.#start) === 0)
      this.#write(`${plainStep(this.#readings())}\n`);
    if (isSpike(event)) this.#print(`${this.#paint.warn('spike')} ${spikeText(event)}\n`);
  }

  #onVal(event: ValEvent): void {
    this.#val = event;
    if (!this.#options.out.isTTY) {
      this.#write(`${plainVal(event)}\n`);
      return;
    }
    this.#tableLine(tableCells(this.#readings(), this.#columns), event.best);
  }

  /** Of a task: the last ones stand in the end block, the others are a line each; without a run it is all there is. */
  #onEval(event: EvalEvent): void {
    const task = this.#start?.task;
    if (this.#start === undefined) {
      const { confusion, scatter, errors, ...metrics } = event;
      const shown = this.#options.quiet ? metrics : event;
      this.#write(resultBlock([shown], undefined, this.#columns, this.#paint));
    }
    if (task === undefined) {
      if (this.#start !== undefined && !this.#options.quiet) this.#print(`${inContextLine(event)}\n`);
      return;
    }
    if (isFinal(event)) {
      this.#results.push(event);
      return;
    }
    this.#epoch = event;
    if (this.#options.quiet) return;
    if (this.#options.out.isTTY) this.#tableLine(epochCells(this.#readings(), this.#columns), event.best === true);
    else this.#write(`${plainEpoch(event, task.metric)}\n`);
  }

  #tableLine(cells: readonly Cell[], best: boolean): void {
    if (this.#tableWidth !== this.#columns) {
      this.#tableWidth = this.#columns;
      this.#print(`${this.#paint.dim(cells.map(({ name, width }) => name.padStart(width)).join(''))}\n`);
    }
    const mark = best ? ` ${this.#paint.good('best')}` : '';
    this.#print(`${cells.map(({ text, width }) => text.padStart(width)).join('')}${mark}\n`);
  }

  #readings(): Readings {
    const { value } = this.#loss;
    return {
      maxSteps: this.#start?.max_steps ?? 0,
      loss: Number.isNaN(value) ? undefined : value,
      step: this.#step,
      val: this.#val,
      ...(this.#start?.task === undefined ? {} : { task: this.#taskReadings(this.#start.task.metric) }),
      resumedFrom: this.#start?.resumed_from ?? 0,
    };
  }

  #taskReadings(metric: string): NonNullable<Readings['task']> {
    const { value } = this.#taskLoss;
    return { metric, loss: Number.isNaN(value) ? undefined : value, epoch: this.#epoch };
  }

  // The bar sits on the last line. Everything else is printed while it is away.

  #print(text: string): void {
    this.#above(() => this.#write(text));
  }

  #above(print: () => void): void {
    const wasOn = this.#bar !== undefined;
    this.#stopBar();
    print();
    if (wasOn) this.#startBar();
  }

  #startBar(): void {
    this.#bar = new SingleBar({
      stream: this.#options.out,
      format: (_options, { progress }) => barLine(progress, this.#readings(), this.#columns, this.#paint),
      fps: 8,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false, // the training loop handles signals
    });
    this.#bar.start(this.#start?.max_steps ?? 0, this.#step?.step ?? this.#start?.resumed_from ?? 0);
    // A second Ctrl-C exits in the middle of the bar: give cursor and line wrapping back.
    this.#restore = () => void this.#options.out.write('\x1b[?25h\x1b[?7h\n');
    process.once('exit', this.#restore);
  }

  #stopBar(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    if (this.#restore) process.removeListener('exit', this.#restore);
  }
}

/** What is known at a moment of a run. */
export interface Readings {
  readonly maxSteps: number;
  readonly resumedFrom: number;
  readonly loss: number | undefined; // moving average
  readonly step: StepEvent | undefined;
  readonly val: ValEvent | undefined;
  /** Of a fine-tuned task: its headline metric, its own loss (moving average), the last validation. */
  readonly task?: {
    readonly metric: string;
    readonly loss: number | undefined;
    readonly epoch: EvalEvent | undefined;
  };
}

function logEvery(start: StartEvent | undefined): number {
  const { train } = (start?.config ?? {}) as { train?: { log_every?: number } };
  return train?.log_every ?? 10;
}

/** step 1,234: loss 5.123 (z 7.3), |g| 12.10 (z 2.0) */
function spikeText({ step, loss, loss_z, grad_norm, grad_norm_z }: StepEvent): string {
  const z = (score: number | null | undefined) => `(z ${score?.toFixed(1) ?? '-'})`;
  return `step ${integer(step)}: loss ${loss.toFixed(3)} ${z(loss_z)}, |g| ${grad_norm.toFixed(2)} ${z(grad_norm_z)}`;
}

const shortBytes = (n: number): string => bytes(n).replace(/ (.)iB$/, '$1'); // 1.06 GiB -> 1.06G
const rate = (lr: number): string => lr.toExponential(1).replace(/e([+-])(\d)$/, 'e$10$2'); // 3.0e-04
/** 999.9, 12.3k: perplexities run from 1 to the vocabulary. */
const perplexity = (x: number): string => (x < 1000 ? x.toPrecision(x < 10 ? 3 : 4) : count(x));

/** All quantities of the live line: first what is shown first; `rank` says what is left out first (highest). */
function quantities({
  loss,
  step,
  val,
  maxSteps,
  resumedFrom,
  task,
}: Readings): { rank: number; name: string; text: string }[] {
  const q = [{ rank: 0, name: '', text: `${integer(step?.step ?? resumedFrom)}/${integer(maxSteps)}` }];
  if (loss !== undefined) q.push({ rank: 1, name: 'loss', text: loss.toFixed(3) });
  if (loss !== undefined && !task) q.push({ rank: 5, name: 'ppl', text: perplexity(Math.exp(loss)) });
  if (task?.loss !== undefined) q.push({ rank: 6, name: 'task', text: task.loss.toFixed(3) });
  const [headline] = task?.epoch ? epochMetrics(task.epoch, task.metric) : [];
  if (headline) q.push({ rank: 5, name: headline[0], text: headline[1] });
  if (val) q.push({ rank: 4, name: 'val', text: val.loss.toFixed(3) });
  if (val && val.bits_per_byte !== null) q.push({ rank: 6, name: 'bpb', text: val.bits_per_byte.toFixed(3) });
  if (!step) return q;
  q.push({ rank: 7, name: 'lr', text: rate(step.lr) }, { rank: 8, name: '|g|', text: step.grad_norm.toFixed(2) });
  const z = [step.loss_z, step.grad_norm_z].map((score) => score?.toFixed(1) ?? '-');
  if (step.loss_z != null) q.push({ rank: 11, name: 'z', text: z.join('/') });
  q.push({ rank: 3, name: '', text: `${count(step.tokens_per_s)} tok/s` });
  if (step.mfu !== null) q.push({ rank: 9, name: 'peak', text: percent(step.mfu) });
  if (step.padding !== undefined) q.push({ rank: 4, name: 'padding', text: percent(step.padding) });
  q.push({ rank: 10, name: 'mem', text: shortBytes(step.memory_bytes) });
  q.push({ rank: 2, name: 'eta', text: duration(step.eta_s) });
  return q;
}

const MIN_BAR = 8;
const MAX_BAR = 30;

/** One line of at most columns - 1 characters: a bar, percent, and as many quantities as fit. */
export function barLine(progress: number, readings: Readings, columns: number, paint: Paint): string {
  const head = ` ${String(Math.floor(100 * progress)).padStart(3)}%`;
  const room = columns - 1 - head.length;
  const all = quantities(readings);
  const wide = (q: { name: string; text: string }) => 2 + q.text.length + (q.name ? q.name.length + 1 : 0);
  let used = MIN_BAR;
  const chosen = new Set<(typeof all)[number]>();
  for (const q of [...all].sort((a, b) => a.rank - b.rank)) {
    if (used + wide(q) > room) break;
    used += wide(q);
    chosen.add(q);
  }
  const cells = Math.max(0, Math.min(MAX_BAR, room - (used - MIN_BAR)));
  const text = all.filter((q) => chosen.has(q)).map((q) => `  ${q.name ? `${paint.dim(q.name)} ` : ''}${q.text}`);
  return `${smoothBar(progress, cells, paint)}${head}${text.join('')}`;
}

/** A bar in eighths of a character. */
function smoothBar(progress: number, cells: number, paint: Paint): string {
  const eighths = Math.round(progress * cells * 8);
  const full = Math.floor(eighths / 8);
  const part = eighths % 8 === 0 ? '' : ' ▏▎▍▌▋▊▉'[eighths % 8]!;
  const empty = '·'.repeat(cells - full - part.length);
  return `${paint.accent('█'.repeat(full) + part)}${paint.dim(empty)}`;
}

interface Cell {
  readonly name: string;
  readonly text: string;
  readonly width: number;
}

/** A line per validation, from the left; the last columns are left out where the terminal is narrow. */
function tableCells({ loss, step, val, maxSteps }: Readings, columns: number): Cell[] {
  return fitting(columns, [
    stepCell(step?.step ?? val?.step ?? 0, maxSteps, 0),
    { name: 'loss', text: loss?.toFixed(4) ?? DASH, width: 8 },
    { name: 'val', text: val?.loss.toFixed(4) ?? DASH, width: 8 },
    { name: 'ppl', text: val ? perplexity(val.perplexity) : DASH, width: 7 },
    { name: 'bpb', text: val?.bits_per_byte?.toFixed(3) ?? DASH, width: 7 },
    ...courseCells(step),
  ]);
}

/** The same of a task: a line per epoch. */
function epochCells({ loss, step, maxSteps, task }: Readings, columns: number): Cell[] {
  const metrics = task?.epoch ? epochMetrics(task.epoch, task.metric) : [];
  return fitting(columns, [
    { name: 'epoch', text: task?.epoch?.epoch === undefined ? DASH : epochText(task.epoch.epoch), width: 5 },
    stepCell(step?.step ?? task?.epoch?.step ?? 0, maxSteps, 2),
    { name: 'loss', text: loss?.toFixed(4) ?? DASH, width: 8 },
    { name: 'task', text: task?.loss?.toFixed(4) ?? DASH, width: 8 },
    { name: 'val', text: task?.epoch?.loss?.toFixed(4) ?? DASH, width: 8 },
    ...metrics.map(([name, text]) => ({ name, text, width: 2 + Math.max(name.length, text.length) })),
    ...courseCells(step),
  ]);
}

const DASH = '-';

const stepCell = (step: number, maxSteps: number, gap: number): Cell => ({
  name: 'step',
  text: `${integer(step)}/${integer(maxSteps)}`,
  width: gap + 2 * integer(maxSteps).length + 1,
});

const courseCells = (step: StepEvent | undefined): Cell[] => [
  { name: 'lr', text: step ? rate(step.lr) : DASH, width: 9 },
  { name: '|g|', text: step?.grad_norm.toFixed(2) ?? DASH, width: 6 },
  { name: 'tok/s', text: step ? count(step.tokens_per_s) : DASH, width: 7 },
  { name: 'peak', text: step && step.mfu !== null ? percent(step.mfu) : DASH, width: 7 },
  { name: 'mem', text: step ? shortBytes(step.memory_bytes) : DASH, width: 7 },
  { name: 'eta', text: step ? duration(step.eta_s) : DASH, width: 8 },
];

function fitting(columns: number, cells: Cell[]): Cell[] {
  const room = columns - ' best'.length;
  while (cells.reduce((sum, { width }) => sum + width, 0) > room) cells.pop();
  return cells;
}

function plainStep(readings: Readings): string {
  const { task } = readings;
  const [position, ...rest] = quantities({
    ...readings,
    val: undefined,
    ...(task && { task: { ...task, epoch: undefined } }),
  });
  return `step ${position!.text}  ${rest.map(({ name, text }) => (name ? `${name} ${text}` : text)).join('  ')}`;
}

function plainVal({ step, loss, perplexity: ppl, bits_per_byte, best, scored }: ValEvent): string {
  const on = scored === undefined ? '' : `  on ${count(scored)} tokens`;
  const bpb = bits_per_byte === null ? '' : `  bpb ${bits_per_byte.toFixed(3)}`;
  return `step ${integer(step)}  val loss ${loss.toFixed(4)}  ppl ${perplexity(ppl)}${bpb}${on}${best ? '  best' : ''}`;
}
