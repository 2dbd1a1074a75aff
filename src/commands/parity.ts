// `gpt parity DIR`: how far this backend is from a reference, for any folder in the format of the PyTorch fixtures.
// `npm run parity -- DIR [--backend B]` is the same.
//
// DIR holds config.json, model.safetensors (initial parameters), expected.safetensors and expected.json: float64 logits,
// loss, every gradient, and the parameters after three AdamW steps on the same batch.
// Tolerances for float32: logits 1e-4, gradients 5e-6, loss and norm 1e-5 relative; parameters after three steps: 99.9 %
// within 3e-6, all within 5e-4, but for the key third of every c_attn.bias, whose gradient is exactly zero in theory, so
// that Adam turns its rounding noise into steps. For tf32 and bf16 products the tolerances are those of their rounding, and
// the share of parameters that moved otherwise says nothing.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { toFloat64, toInt32 } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { jsonText } from '../base/json.js';
import { tf } from '../base/tf.js';
import { readModel } from '../checkpoint/hf.js';
import { openSafetensors } from '../checkpoint/safetensors.js';
import { Gpt } from '../model/gpt.js';
import { accumulateGradients } from '../ops/parameter.js';
import { Optimizer } from '../train/optimizer.js';
import { choosePrecision, openBackend, type Precision } from './backend.js';
import type { ParityOptions, Run } from './options.js';

export const run: Run<ParityOptions> = async (options, context) => {
  const backend = await openBackend(options, context.env);
  const precision = choosePrecision(options.precision, backend);
  let ok = true;
  for (const dir of options.dirs) {
    const result = await parity(dir, precision);
    ok &&= result.ok;
    if (options.json) {
      context.out(`${jsonText({ dir, backend: backend.name, ...result })}\n`);
      continue;
    }
    context.out(`${dir} on ${backend.name}: ${result.ok ? 'within the tolerances' : 'BEYOND THE TOLERANCES'}\n`);
    for (const { what, error, tolerance, note } of result.rows) {
      const mark = error <= tolerance ? ' ' : '!';
      context.out(
        `${mark} ${what.padEnd(30)}${error.toExponential(2).padEnd(12)}<= ${String(tolerance).padEnd(9)}${note}\n`,
      );
    }
  }
  return ok ? 0 : 1;
};

/** Largest differences from the reference, and whether each is within its tolerance. */
export interface ParityResult {
  readonly rows: readonly {
    readonly what: string;
    readonly error: number;
    readonly tolerance: number;
    readonly note: string;
  }[];
  readonly ok: boolean;
}

/** What tolerances are multiplied by: operands of 24, 11 and 8 bits. */
const WIDER: Readonly<Record<Precision, number>> = { fp32: 1, tf32: 200, bf16: 2000 };

/** Runs the comparison on the active backend. Throws DataError when the folder is not in the format. */
export async function parity(dir: string, precision: Precision = 'fp32'): Promise<ParityResult> {
  const folder = readModel(dir);
  const expected = openSafetensors(path.join(dir, 'expected.safetensors'));
  const numbers = JSON.parse(readFileSync(path.join(dir, 'expected.json'), 'utf8')) as {
    loss: { f64: number };
    grad_norm: { f64: number };
    optimizer: { grad_clip: number };
    train3: { f64: { loss_after_step3: number; loss_before_step: number[] } };
  };
  const model = new Gpt(folder.model, folder.tensors, precision === 'bf16');
  const optimizer = new Optimizer(model.parameters(), {
    optimizer: 'adamw',
    betas: [0.9, 0.95],
    eps: 1e-8,
    weight_decay: 0.1,
    grad_clip: numbers.optimizer.grad_clip,
  });
  const rows: { what: string; error: number; tolerance: number; note: string }[] = [];
  const f64 = (name: string) => toFloat64(expected.read(`f64.${name}`));

  const ids = expected.read('input_ids');
  const [B, T] = ids.shape as [number, number];
  const y = toInt32(expected.read('targets'));
  const scored = y.reduce((n, target) => n + (target >= 0 ? 1 : 0), 0);
  const inputs = tf.tensor2d(toInt32(ids), [B, T], 'int32');
  const targets = tf.tensor2d(y, [B, T], 'int32');
  const weights = tf.fill([B, T], 1 / scored) as tf.Tensor2D;

  const output = tf.tidy(() => model.logits(model.hidden(inputs)));
  const logits = await output.data();
  output.dispose();
  rows.push({
    what: 'logits',
    error: largest(logits, f64('logits')).error,
    tolerance: 1e-4,
    note: `${B} x ${T} x ${logits.length / B / T}`,
  });

  const step = async (lr: number): Promise<number> => {
    const loss = accumulateGradients(
      model.parameters(),
      () => model.loss(inputs, targets, weights, { gradient: true })[0],
    );
    const value = (await loss.data())[0]!;
    loss.dispose();
    if (lr > 0) (await optimizer.update(lr)).dispose();
    return value;
  };

  const relative = (got: number, want: number) => Math.abs(got - want) / Math.abs(want);
  rows.push({
    what: 'loss, relative',
    error: relative(await step(0), numbers.loss.f64),
    tolerance: 1e-5,
    note: String(numbers.loss.f64),
  });
  let worst = { error: 0, at: 0, name: '' };
  let squares = 0;
  for (const p of model.parameters()) {
    const grad = await p.grad.data<'float32'>();
    for (const g of grad) squares += g * g;
    const { error, at } = largest(grad, f64(`grad.${p.name}`));
    if (!(error <= worst.error)) worst = { error, at, name: p.name };
    tf.tidy(() => p.grad.assign(tf.zerosLike(p.grad)));
  }
  rows.push({ what: 'gradients', error: worst.error, tolerance: 5e-6, note: `largest in ${worst.name}` });
  rows.push({
    what: 'gradient norm, relative',
    error: relative(Math.sqrt(squares), numbers.grad_norm.f64),
    tolerance: 1e-5,
    note: String(numbers.grad_norm.f64),
  });

  for (let s = 0; s < 3; s++) {
    const want = numbers.train3.f64.loss_before_step[s]!;
    rows.push({
      what: `loss before step ${s + 1}, relative`,
      error: relative(await step(1e-3), want),
      tolerance: 1e-5,
      note: String(want),
    });
  }
  let far = 0;
  let compared = 0;
  let worstParameter = 0;
  for (const p of model.parameters()) {
    const got = await p.value.data<'float32'>();
    const want = f64(`after3.${p.name}`);
    const C = folder.model.n_embd;
    for (let i = 0; i < got.length; i++) {
      if (p.name.endsWith('c_attn.bias') && i >= C && i < 2 * C) continue; // keys: see above
      const error = Math.abs(got[i]! - want[i]!);
      compared++;
      if (!(error <= 3e-6)) far++;
      if (!(error <= worstParameter)) worstParameter = error;
    }
  }
  rows.push({ what: 'parameters after 3 steps', error: worstParameter, tolerance: 5e-4, note: `${compared} compared` });
  rows.push({
    what: 'share of them beyond 3e-6',
    error: far / compared,
    tolerance: 1e-3,
    note: `${far} of ${compared}`,
  });

  folder.close();
  expected.close();
  optimizer.dispose();
  model.dispose();
  tf.dispose([inputs, targets, weights]);
  const shown = rows
    .filter(({ what }) => precision === 'fp32' || !/ 3 |share/.test(what))
    .map((row) => ({ ...row, tolerance: row.tolerance * WIDER[precision] }));
  return { rows: shown, ok: shown.every(({ error, tolerance }) => error <= tolerance) };
}

/** Largest absolute difference and where it is. A NaN counts as infinite. */
function largest(got: ArrayLike<number>, want: Float64Array): { error: number; at: number } {
  if (got.length !== want.length) {
    throw new DataError(
      `the reference has ${want.length} values where the model has ${got.length}`,
      'use files of one model',
    );
  }
  let error = 0;
  let at = 0;
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs(got[i]! - want[i]!);
    if (!(d <= error)) {
      error = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
      at = i;
    }
  }
  return { error, at };
}
