// Texts to token ids on all cores, in the order of the texts and with the ids of one thread.
//
//   pieces -> jobs of 256 Ki characters -> encode_worker.ts, one thread a core -> ids, in order
//
// A piece is a part of a document that is encoded on its own, in every case: where documents are cut, and why that changes
// no ids, is said in read.ts. So ids are a function of the pieces alone. At most three jobs a thread are under way, which
// bounds the memory whatever the length of the text. The first 8 Mi characters are encoded in this thread: a small text
// must not wait for threads to start. A worker makes its tokenizer from the original's toJson().

import { Worker } from 'node:worker_threads';
import { DataError, MemoryError } from '../base/errors.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

/** What is encoded: some text, or none. */
export interface Piece {
  /** Of the text, for errors. */
  readonly file: string;
  readonly text: string;
  /** Whether end-of-text follows. */
  readonly end: boolean;
}

/** Ids as a shard stores them (token_file.ts). */
export type TokenWords = Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** A piece with its ids. */
export interface Encoded<P extends Piece> {
  readonly piece: P;
  readonly tokens: TokenWords;
}

/** Texts of one job. Plain data: it is sent to a thread. */
export interface Job {
  readonly texts: readonly string[];
  readonly ends: readonly boolean[];
}

/** What comes back: all ids, and where each text's end; or which text cannot be encoded. */
export type JobResult =
  | { readonly tokens: TokenWords; readonly ends: Float64Array }
  | { readonly wrong: number; readonly what: string; readonly fix: string };

/** What a worker starts with. */
export interface WorkerStart {
  /** Content of its tokenizer.json. */
  readonly tokenizer: string;
  readonly fingerprint: string;
}

const JOB_CHARACTERS = 1 << 18;
const ALONE_CHARACTERS = 1 << 23;
const JOBS_A_THREAD = 3;

/** More threads than one reader of text can feed. */
export const MOST_THREADS = 16;

/** Threads for encoding on a machine of so many cores. */
export const encodingThreads = (cores: number): number => Math.max(1, Math.min(cores, MOST_THREADS));

/** Options of encodeAll. */
export interface EncodeOptions {
  /** 1: everything in this thread. */
  readonly threads: number;
  /** Characters until threads are started. */
  readonly alone?: number;
}

/** Encodes pieces. Throws DataError, naming the file, for a text that the tokenizer cannot encode. */
export async function* encodeAll<P extends Piece>(
  pieces: AsyncIterable<P>,
  tokenizer: Tokenizer,
  { threads, alone = ALONE_CHARACTERS }: EncodeOptions,
): AsyncGenerator<Encoded<P>> {
  let pool: Pool | undefined;
  const underWay: { readonly batch: readonly P[]; readonly result: Promise<JobResult> }[] = [];
  const next = async (): Promise<Encoded<P>[]> => {
    const { batch, result } = underWay.shift()!;
    return separate(batch, await result);
  };
  try {
    let characters = 0;
    for await (const batch of batches(pieces)) {
      const job = { texts: batch.map(({ text }) => text), ends: batch.map(({ end }) => end) };
      characters += job.texts.reduce((sum, text) => sum + text.length, 0);
      if (threads === 1 || characters <= alone) {
        yield* separate(batch, encodeJob(tokenizer, job));
        continue;
      }
      pool ??= new Pool(tokenizer, threads);
      underWay.push({ batch, result: pool.run(job) });
      if (underWay.length >= threads * JOBS_A_THREAD) yield* await next();
    }
    while (underWay.length > 0) yield* await next();
  } finally {
    await pool?.close();
  }
}

async function* batches<P extends Piece>(pieces: AsyncIterable<P>): AsyncGenerator<P[]> {
  let batch: P[] = [];
  let characters = 0;
  for await (const piece of pieces) {
    batch.push(piece);
    characters += piece.text.length + 1;
    if (characters < JOB_CHARACTERS) continue;
    yield batch;
    batch = [];
    characters = 0;
  }
  if (batch.length > 0) yield batch;
}

function separate<P extends Piece>(batch: readonly P[], result: JobResult): Encoded<P>[] {
  if ('wrong' in result) throw new DataError(`${batch[result.wrong]!.file}: ${result.what}`, result.fix);
  const { tokens, ends } = result;
  return batch.map((piece, i) => ({ piece, tokens: tokens.subarray(ends[i - 1] ?? 0, ends[i]) as TokenWords }));
}

/** Encodes a job in this thread. */
export function encodeJob(tokenizer: Tokenizer, { texts, ends }: Job): JobResult {
  const { vocabSize, eot } = tokenizer;
  const encoded: Int32Array[] = [];
  for (const [wrong, text] of texts.entries()) {
    try {
      encoded.push(text === '' ? new Int32Array() : tokenizer.encode(text));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      return { wrong, what: error.message, fix: error.fix };
    }
  }
  const places = new Float64Array(texts.length);
  let length = 0;
  for (const [i, ids] of encoded.entries()) {
    length += ids.length + (ends[i] ? 1 : 0);
    places[i] = length;
  }
  const tokens = vocabSize <= 65536 ? new Uint16Array(length) : new Uint32Array(length);
  for (const [i, ids] of encoded.entries()) {
    tokens.set(ids, places[i]! - ids.length - (ends[i] ? 1 : 0));
    if (ends[i]) tokens[places[i]! - 1] = eot;
  }
  return { tokens, ends: places };
}

interface Waiting {
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads, each with a queue of its own: jobs go round. */
class Pool {
  readonly #workers: readonly { readonly worker: Worker; readonly queue: Waiting[] }[];
  #jobs = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(tokenizer: Tokenizer, threads: number) {
    const workerData: WorkerStart = { tokenizer: tokenizer.toJson(), fingerprint: tokenizer.fingerprint };
    this.#workers = Array.from({ length: threads }, () => {
      const worker = new Worker(new URL('./encode_worker.js', import.meta.url), { workerData });
      const queue: Waiting[] = [];
      worker.on('message', (result: JobResult) => queue.shift()?.resolve(result));
      worker.on('error', (error) => this.#fail(failure(error)));
      worker.on('exit', (code) => this.#fail(new Error(`internal: an encoding thread ended with ${code}`)));
      return { worker, queue };
    });
  }

  /** Sends a job to a thread. */
  run(job: Job): Promise<JobResult> {
    const result = new Promise<JobResult>((resolve, reject) => {
      if (this.#failure) return reject(this.#failure.error);
      const { worker, queue } = this.#workers[this.#jobs++ % this.#workers.length]!;
      queue.push({ resolve, reject });
      worker.postMessage(job);
    });
    result.catch(() => {}); // it is looked at when its turn comes
    return result;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.removeAllListeners('exit').terminate()));
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { queue } of this.#workers) for (const { reject } of queue.splice(0)) reject(this.#failure.error);
  }
}

function failure(error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
  return new MemoryError(
    'a thread that encodes text is out of memory',
    'use fewer threads: --threads 1, or GPT_THREADS=1',
  );
}
