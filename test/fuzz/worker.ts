// Runs the cases [from, to) of one target in this process and tells fuzz.mjs about them through two files, so that
// nothing is lost when a case crashes or hangs:
//
//   RECORD     nine float64, rewritten before and after each case: see Field
//   FAILURES   one JSON object a line: {index, kind, what}
//
//   node worker.mjs '{"target", "seed", "from", "to", "folder", "record", "failures"}'
//   node worker.mjs '{"target", "seed", "case", "folder"}'      writes the case's file, reads it, prints what happened
//
// fuzz.mjs starts it with a small heap, so that a file that makes a reader fill it is a crash.

import { appendFileSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { GptError } from '../../src/base/errors.js';
import { takeLargest, watchAllocations } from './allocations.js';
import { type Corpus, caseOf, wordsOf } from './mutate.js';
import type { Target } from './target.js';
import { selfTest } from './targets/self_test.js';
import { TARGETS } from './targets.js';

interface Options {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly case?: number;
  readonly folder: string;
  readonly record: string;
  readonly failures: string;
}

/** Positions in the record. `next`: the case that runs, or runs next. */
const Field = {
  next: 0,
  read: 1,
  refused: 2,
  failed: 3,
  slowest_ms: 4,
  slowest: 5,
  heap: 6,
  request: 7,
  pid: 8,
} as const;

const SLOW_MS = 10_000;
/** Strings and objects of a case. A parsed text is some ten times as large as the text; the largest cases have 1 MB. */
const HEAP_BYTES = 256 * 2 ** 20;
const SLACK = 65_536;
/** Of both texts together: what a file holds is quoted in part, and problems are listed up to a number. */
const LONGEST_MESSAGE = 10_000;

interface Outcome {
  readonly kind: 'read' | 'refused' | 'exception' | 'message' | 'slow' | 'allocation' | 'heap';
  readonly what: string;
  readonly ms: number;
  readonly heap: number;
  readonly request: number;
}

/** Reads one file and judges what came of it. base: bytes of the files beside it. */
async function outcomeOf(target: Target, path: string, size: number): Promise<Outcome> {
  const heapBefore = getHeapStatistics().used_heap_size;
  takeLargest();
  const start = performance.now();
  let kind: Outcome['kind'] = 'read';
  let what = '';
  try {
    await target.read(path);
  } catch (error) {
    if (error instanceof GptError && error.exitCode !== 1) {
      kind = 'refused';
      what = `${error.message} (${error.fix})`;
      const { message, fix } = error;
      if (message.trim() === '' || fix.trim() === '') [kind, what] = ['message', `an empty text: ${what}`];
      else if (![basename(path), ...(target.beside ?? [])].some((name) => message.includes(name)))
        [kind, what] = ['message', `the file is not named: ${what}`];
      else if (what.length > LONGEST_MESSAGE) [kind, what] = ['message', `${what.length} characters: ${what}`];
    } else {
      kind = 'exception';
      what = error instanceof Error ? (error.stack ?? String(error)) : String(error);
    }
  }
  const ms = performance.now() - start;
  const request = takeLargest();
  const heap = getHeapStatistics().used_heap_size - heapBefore; // less where garbage was collected
  const allowed = (target.allowed?.(size) ?? 2 * size) + (target.slack ?? SLACK);
  if (request > allowed) [kind, what] = ['allocation', `${request} bytes at once for a file of ${size}: ${what}`];
  else if (heap > HEAP_BYTES) [kind, what] = ['heap', `${heap} bytes for a file of ${size}: ${what}`];
  else if (ms > SLOW_MS) [kind, what] = ['slow', `${Math.round(ms)} ms: ${what}`];
  return { kind, what, ms, heap, request };
}

async function corpusOf(target: Target): Promise<Corpus> {
  return { seeds: await target.seeds(), hostile: target.hostile?.() ?? [], words: wordsOf(target.dictionary) };
}

async function main(options: Options): Promise<void> {
  const target = [...TARGETS, selfTest].find(({ name }) => name === options.target);
  if (!target) throw new Error(`no target ${options.target}: ${TARGETS.map(({ name }) => name).join(', ')}`);
  const path = join(options.folder, target.file);
  mkdirSync(options.folder, { recursive: true });
  await target.prepare?.(options.folder);
  mkdirSync(dirname(path), { recursive: true });
  const corpus = await corpusOf(target);
  watchAllocations();

  const run = async (file: Buffer): Promise<Outcome> => {
    writeFileSync(path, file);
    return outcomeOf(target, path, file.length);
  };
  for (const [i, seed] of corpus.seeds.entries()) {
    const { kind, what } = await run(seed);
    if (kind !== 'read') throw new Error(`seed ${i} of ${target.name} is not read: ${kind}: ${what}`);
  }
  if (options.case !== undefined) {
    const outcome = await run(caseOf(target, corpus, options.seed, options.case));
    const { what, ...numbers } = outcome;
    process.stdout.write(`${path}\n${JSON.stringify(numbers)}\n${what}\n`);
    return;
  }

  const record = new Float64Array(9);
  record.set(new Float64Array(new Uint8Array(readFileSync(options.record)).buffer));
  record[Field.pid] = process.pid; // from now on the cases are timed
  const bytes = new Uint8Array(record.buffer);
  const fd = openSync(options.record, 'r+');
  for (let index = options.from; index < options.to; index++) {
    record[Field.next] = index;
    writeSync(fd, bytes, 0, bytes.length, 0);
    let outcome = await run(caseOf(target, corpus, options.seed, index));
    // how much of the heap is garbage depends on when V8 collects: what a reader keeps shows every time
    if (outcome.kind === 'heap') outcome = await run(caseOf(target, corpus, options.seed, index));
    const { kind, what, ms, heap, request } = outcome;
    if (kind === 'read') record[Field.read]!++;
    else if (kind === 'refused') record[Field.refused]!++;
    else {
      record[Field.failed]!++;
      appendFileSync(options.failures, `${JSON.stringify({ index, kind, what: what.slice(0, 2000) })}\n`);
    }
    if (ms > record[Field.slowest_ms]!) {
      record[Field.slowest_ms] = ms;
      record[Field.slowest] = index;
    }
    record[Field.heap] = Math.max(record[Field.heap]!, heap);
    record[Field.request] = Math.max(record[Field.request]!, request);
  }
  record[Field.next] = options.to;
  writeSync(fd, bytes, 0, bytes.length, 0);
  rmSync(path);
}

await main(JSON.parse(process.argv[2] ?? '{}') as Options);
