// Which tensor of a file is which parameter of a model: a report of every tensor.
//
//   used      one tensor for each parameter
//   ignored   what may stand beside them and changes nothing: causal masks, position numbers, a copy of the tied embedding
//             as output head, the head of a task
//   missed    a parameter without a tensor
//   unknown   anything else: whoever saved it computed with it, and gpt does not
//
// Of missed and unknown ones there are none: they are one error, which lists all of them.

import type { DType } from '../base/array.js';
import { DataError } from '../base/errors.js';
import { plural, short } from '../base/format.js';
import { transpose } from './linear_layout.js';

/** An open file of tensors, or several that look like one. */
export interface StoredTensors {
  readonly path: string;
  readonly names: readonly string[];
  /** Throws DataError when there is no such tensor. */
  info(name: string): { readonly dtype: DType; readonly shape: readonly number[] };
  /** In C order. Throws DataError where the dtype is no floating-point one, or the disk fails. */
  readFloat32(name: string): Float32Array<ArrayBuffer>;
  /** Whether two tensors are the same bytes of the file; without it nobody knows. */
  samePlace?(a: string, b: string): boolean;
  close(): void;
}

interface NamedTensor {
  /** In the file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface UsedTensor extends NamedTensor {
  /** Its name here: Hugging Face's, with prefix. */
  readonly parameter: string;
  /** Linear weights of nanoGPT and llm.c are (out, in), ours (in, out). */
  readonly transposed: boolean;
}

export interface IgnoredTensor extends NamedTensor {
  readonly why: string;
}

export interface TensorReport {
  /** In the order of the model's parameters. */
  readonly used: readonly UsedTensor[];
  readonly ignored: readonly IgnoredTensor[];
  /** Parameters that a model of this kind does not store: they are zero. */
  readonly zero: readonly string[];
}

/** "148 tensors used, 24 ignored (causal masks), 0 missed" */
export function reportLine({ used, ignored, zero }: TensorReport): string {
  const reasons = new Map<string, number>();
  for (const { why } of ignored) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  const [only] = reasons.keys();
  const why =
    reasons.size === 1 ? ` (${only})` : ` (${[...reasons].map(([reason, n]) => `${reason} ${n}`).join(', ')})`;
  const zeros = zero.length === 0 ? '' : `, ${zero.length} zero`;
  return `${plural(used.length, 'tensor')} used, ${ignored.length} ignored${ignored.length > 0 ? why : ''}${zeros}, 0 missed`;
}

/** Says where values are rounded: float64 is the only dtype that float32 does not hold. */
export function roundedNote({ used }: TensorReport): string[] {
  const rounded = used.filter(({ dtype }) => dtype === 'F64').length;
  return rounded === 0 ? [] : [`${rounded} of ${used.length} tensors are float64: they are rounded to float32`];
}

/** The name of an output head, which must be a copy of the token embedding. */
const HEAD = 'lm_head.weight';
const PREFIX = 'transformer.';

// Older versions of transformers stored masks and positions. (c_attn.bias is a parameter: the dot matters.)
const IGNORED: readonly [name: RegExp, why: string][] = [
  [/^h\.\d+\.attn\.(bias|masked_bias)$/, 'causal masks'],
  [/^position_ids$/, 'position numbers'],
  [/^lm_head\.weight$/, 'tied head'],
  [/^(score|classifier|head|v_head|multiple_choice_head|qa_outputs)\./, 'heads of tasks'],
];

interface Matching {
  /** Whether the file has linear weights as (out, in). */
  readonly transposed?: (parameter: string) => boolean;
  readonly zero?: readonly string[];
  readonly fix: string;
}

/**
 * Finds the tensor of each parameter; names may lack the "transformer." prefix. `shapes`: parameters and their shapes here.
 * Throws one DataError with all that is missed, unknown, of another shape or no floating-point number, and for a head that
 * is not the embedding.
 */
export function matchTensors(
  file: StoredTensors,
  shapes: ReadonlyMap<string, readonly number[]>,
  { transposed = () => false, zero = [], fix }: Matching,
): TensorReport {
  const found = new Map<string, UsedTensor>();
  const ignored: IgnoredTensor[] = [];
  const unknown: string[] = [];
  const problems: string[] = [];
  for (const name of file.names) {
    const own = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
    const parameter = PREFIX + own;
    const { dtype, shape } = file.info(name);
    if (!shapes.has(parameter)) {
      const why = IGNORED.find(([pattern]) => pattern.test(own))?.[1];
      if (why === undefined) unknown.push(name);
      else ignored.push({ name, shape, dtype, why });
      continue;
    }
    if (found.has(parameter)) problems.push(`${parameter} is there twice`);
    found.set(parameter, { name, parameter, shape, dtype, transposed: transposed(parameter) });
  }
  const missed = [...shapes.keys()].filter((parameter) => !found.has(parameter));
  const used = [...shapes.keys()].flatMap((parameter) => found.get(parameter) ?? []);
  const shapeProblems = used.flatMap(({ name, parameter, shape, transposed: turned }) => {
    const expected = turned ? [...shapes.get(parameter)!].reverse() : shapes.get(parameter)!;
    if (String(shape) === String(expected)) return [];
    return [`tensor ${name} has shape [${short(shape.join(', '))}], expected [${expected.join(', ')}]`];
  });
  const types = used.filter(({ dtype }) => !['F32', 'F64', 'F16', 'BF16'].includes(dtype));
  problems.unshift(
    ...(missed.length > 0 ? [`tensors missing: ${layered(missed).join(', ')}`] : []),
    ...(unknown.length > 0
      ? [`tensors not in the model of its configuration: ${few(layered(unknown), 20, ', ')}`]
      : []),
    ...(shapeProblems.length > 0 ? [few(shapeProblems, 3, '; ')] : []),
    ...types.slice(0, 1).map(({ name, dtype }) => `tensor ${name} has dtype ${dtype}, expected F32, F64, F16 or BF16`),
  );
  if (problems.length > 0) throw new DataError(`${file.path}: ${few(problems, 8, '; ')}`, fix);
  requireTiedHead(file, used[0]!);
  return { used, ignored, zero };
}

/** How to read each parameter, in the order of `shapes`; those that the file does not store are zero. */
export function readers(
  file: StoredTensors,
  shapes: ReadonlyMap<string, readonly number[]>,
  { used }: TensorReport,
): Map<string, () => Float32Array<ArrayBuffer>> {
  const sources = new Map(used.map((tensor) => [tensor.parameter, tensor]));
  return new Map(
    [...shapes].map(([parameter, shape]) => {
      const source = sources.get(parameter);
      const read = (): Float32Array<ArrayBuffer> => {
        if (source === undefined) return new Float32Array(shape.reduce((a, b) => a * b, 1));
        const values = file.readFloat32(source.name);
        return source.transposed ? transpose(values, source.shape[0]!, source.shape[1]!) : values;
      };
      return [parameter, read];
    }),
  );
}

function requireTiedHead(file: StoredTensors, { name: embedding, shape }: UsedTensor): void {
  const head = file.names.find((name) => name === HEAD || name === PREFIX + HEAD);
  if (head === undefined || file.samePlace?.(head, embedding)) return;
  const found = file.info(head);
  const fix = 'gpt has tied embeddings only: this checkpoint has a separate output head';
  const differs = (where: string): DataError =>
    new DataError(`${file.path}: ${HEAD} differs from ${embedding} (${where})`, fix);
  if (String(found.shape) !== String(shape)) {
    throw differs(`shape [${short(found.shape.join(', '))}] and [${shape.join(', ')}]`);
  }
  const [a, b] = [file.readFloat32(head), file.readFloat32(embedding)];
  const i = b.findIndex((value, k) => value !== a[k] && !(Number.isNaN(value) && Number.isNaN(a[k])));
  if (i >= 0) throw differs(`at element ${i}: ${a[i]} and ${b[i]}`);
}

/** A foreign file can have any number of names and mistakes. */
export const few = (texts: readonly string[], most: number, separator: string): string =>
  texts.slice(0, most).join(separator) + (texts.length > most ? `${separator}… (${texts.length})` : '');

/** h.0.x, h.1.x and h.3.x as h.{0-1,3}.x: all of them, in the room of one. */
function layered(names: readonly string[]): string[] {
  const groups = new Map<string, number[]>();
  for (const name of names) {
    const [, before, layer, after] = /^((?:transformer\.)?h\.)(\d{1,6})(\..*)$/s.exec(name) ?? [];
    const key = layer === undefined ? short(name) : `${before}{}${short(after!)}`;
    const numbers = groups.get(key) ?? [];
    if (layer !== undefined) numbers.push(Number(layer));
    groups.set(key, numbers);
  }
  return [...groups].map(([key, numbers]) => {
    if (numbers.length === 0) return key;
    const ranges: [number, number][] = [];
    for (const n of numbers.sort((a, b) => a - b)) {
      const last = ranges.at(-1);
      if (last && n <= last[1] + 1) last[1] = n;
      else ranges.push([n, n]);
    }
    const texts = ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));
    const text = few(texts, 20, ',');
    return key.replace('{}', numbers.length === 1 ? text : `{${text}}`);
  });
}
