// Text files to a prepared corpus (manifest.ts), as a whole or one part of it; it goes on where it was interrupted.
//
//   files -> documents -> duplicates dropped -> sides -> encode.ts -> shard_writer.ts -> a record for each finished unit
//
// Which documents are held out depends on their text alone (sides.ts).
// With duplicates dropped, a part that goes on reads its finished files once more, to know what they hold.

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DataError } from '../../base/errors.js';
import {
  diskError,
  makeFolder,
  nodeFileSystem,
  removeFolderAtomic,
  removeLeftovers,
  writeFileAtomic,
} from '../../base/files.js';
import { integer } from '../../base/format.js';
import { jsonFileText } from '../../base/json.js';
import { lockFolder } from '../../base/lock.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { type Dedup, SeenDocuments, Signature } from '../duplicates.js';
import { encodeAll, type Piece } from '../encode.js';
import { readText, type TextChunk } from '../read.js';
import { formatOf } from '../rows.js';
import { sha256Of } from '../sha256.js';
import { ShardWriter, type WrittenShard } from '../shard_writer.js';
import type { Side } from '../split.js';
import {
  CORPUS_VERSION,
  isOfPart,
  type Manifest,
  Plan,
  partFolder,
  partFolders,
  readManifest,
  readRecord,
  type Shard,
  shardName,
  six,
  Unit,
  unitOfShard,
  unitsOf,
} from './manifest.js';
import { mergeParts } from './merge.js';
import { type Sides, sidesOf } from './sides.js';

/** Where the work is. */
export interface CorpusProgress {
  /** Input files of this part that are done, those of earlier calls included. */
  readonly files: number;
  readonly totalFiles: number;
  /** Bytes of them that have been read in this call, and that it has to read. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** Made in this call. */
  readonly tokens: number;
}

/** What to prepare. */
export interface CorpusOptions {
  /** Sorted, none twice (files.ts). */
  readonly files: readonly string[];
  readonly out: string;
  readonly tokenizer: Tokenizer;
  readonly textKey: string;
  readonly valFraction: number;
  readonly shardTokens: number;
  readonly dedup: Dedup;
  /** 1 .. parts */
  readonly part: number;
  readonly parts: number;
  readonly threads: number;
  readonly onProgress?: (progress: CorpusProgress) => void;
  /** Ends the work; what is finished stays. */
  readonly signal?: AbortSignal;
}

/** What has been done. */
export interface CorpusResult {
  /** Units that this call has made, and that were there. */
  readonly made: number;
  readonly kept: number;
  /** Records of this part, of finished units. */
  readonly units: readonly Unit[];
  /** Of the whole; null while parts are missing, or after a stop. */
  readonly manifest: Manifest | null;
  readonly stopped: boolean;
}

/** Throws DataError for text that cannot be used, a folder that holds something else, or one that is in use. */
export async function prepareCorpus(options: CorpusOptions): Promise<CorpusResult> {
  const { out, tokenizer, part, parts } = options;
  const plan = planOf(options);
  makeFolder(out);
  const finished = existsSync(join(out, 'manifest.json')) ? readManifest(out) : undefined;
  if (finished) {
    requireSamePlan(out, { ...finished, parts: finished.dedup_parts }, plan);
    return { made: 0, kept: unitsOf(plan.inputs.length).length, units: [], manifest: finished, stopped: false };
  }
  requireOwnFolder(out);
  for (const name of partFolders(out)) requirePart(out, name, plan);
  const folder = join(out, partFolder(part, parts));
  makeFolder(folder);
  const unlock = lockFolder(folder, nodeFileSystem, {
    doing: 'preparing data',
    ending: 'the same command goes on later',
    instead: 'choose another folder (--out)',
  });
  try {
    if (existsSync(join(out, 'manifest.json'))) {
      // another process has finished it since it was looked for: its shards must not be taken for leftovers
      await removeFolderAtomic(folder);
      return await prepareCorpus(options);
    }
    if (!existsSync(join(folder, 'part.json'))) await writeFileAtomic(join(folder, 'part.json'), jsonFileText(plan));
    if (!existsSync(join(folder, 'tokenizer.json'))) {
      await writeFileAtomic(join(folder, 'tokenizer.json'), tokenizer.toJson());
    }
    const mine = unitsOf(plan.inputs.length).flatMap(({ from, to }, unit) =>
      isOfPart(unit, part, parts) ? [{ unit, inputs: plan.inputs.slice(from, to) }] : [],
    );
    removeLeftovers(out, (name) => isOfPart(unitOfShard(name) ?? -1, part, parts));
    removeLeftovers(folder, (name) => name !== 'lock');
    const work = new Work(options, folder, mine);
    await work.findFinished();
    const stopped = !(await work.run());
    const units = mine.flatMap(({ unit }) => work.records.get(unit) ?? []);
    const manifest = stopped || parts > 1 ? null : await mergeParts(out);
    return { made: work.made, kept: units.length - work.made, units, manifest, stopped };
  } finally {
    unlock();
  }
}

function planOf(options: CorpusOptions): Plan {
  const { type, vocabSize, fingerprint } = options.tokenizer;
  const inputs = options.files.map((path) => {
    try {
      return { path, bytes: statSync(path).size };
    } catch (error) {
      throw diskError('read', path, error);
    }
  });
  return {
    format: 'gpt-data-part',
    version: CORPUS_VERSION,
    part: options.part,
    parts: options.parts,
    tokenizer: { type, vocab_size: vocabSize, fingerprint },
    options: {
      text_key: options.textKey,
      val_fraction: options.valFraction,
      shard_tokens: options.shardTokens,
      dedup: options.dedup,
    },
    inputs,
  };
}

const OWN = /^((train|val)-\d{6}-\d+\.bin|tokenizer\.json|manifest\.json|part-\d+-of-\d+)(\.tmp-\d+)?$/;

function requireOwnFolder(out: string): void {
  const other = readdirSync(out).find((name) => !OWN.test(name));
  if (other === undefined) return;
  throw new DataError(`${out} holds something else (${other})`, 'choose a new folder with --out');
}

function requirePart(out: string, name: string, plan: Plan): void {
  const path = join(out, name, 'part.json');
  if (existsSync(path)) requireSamePlan(join(out, name), readRecord(Plan, path), plan);
}

/** parts: null where their number does not matter. */
type Comparable = Pick<Plan, 'tokenizer' | 'options'> & {
  readonly parts: number | null;
  readonly inputs: readonly { readonly path: string; readonly bytes: number }[];
};

/** Throws DataError that says what differs from what has been begun. */
function requireSamePlan(where: string, theirs: Comparable, mine: Plan): void {
  const refuse = (what: string): never => {
    throw new DataError(`${where} was made ${what}`, 'give the same as before, or choose another folder with --out');
  };
  if (theirs.tokenizer.fingerprint !== mine.tokenizer.fingerprint) {
    const named = ({ tokenizer: { type, vocab_size, fingerprint } }: Comparable): string =>
      `${type} of ${integer(vocab_size)} tokens, ${fingerprint.slice(0, 12)}`;
    refuse(`with another tokenizer (${named(theirs)}), not with this one (${named(mine)})`);
  }
  for (const key of ['text_key', 'val_fraction', 'shard_tokens', 'dedup'] as const) {
    const [theirValue, myValue] = [theirs.options[key], mine.options[key]];
    if (theirValue !== myValue) refuse(`with --${key.replace('_', '-')} ${theirValue}, not ${myValue}`);
  }
  if (theirs.parts !== null && theirs.parts !== mine.parts) refuse(`in ${theirs.parts} parts, not in ${mine.parts}`);
  const before = new Map(theirs.inputs.map(({ path, bytes }) => [path, bytes]));
  const now = new Set(mine.inputs.map(({ path }) => path));
  const added = mine.inputs.find(({ path }) => !before.has(path))?.path;
  const removed = theirs.inputs.find(({ path }) => !now.has(path))?.path;
  if (added !== undefined || removed !== undefined) {
    refuse(`of other files: ${added ?? removed} was ${added === undefined ? 'among them' : 'not among them'}`);
  }
  const changed = mine.inputs.find(({ path, bytes }) => before.get(path) !== bytes);
  if (changed) refuse(`of files of which ${changed.path} has changed: ${before.get(changed.path)} bytes then`);
}

/** A unit of this part, as planned. */
interface PlannedUnit {
  readonly unit: number;
  readonly inputs: Plan['inputs'];
}

/** What is counted of an input file. */
type Counted = { path: string; bytes: number; sha256: string; documents: number; duplicates: number };

/** A unit while it is made. */
interface OpenUnit {
  readonly unit: number;
  readonly inputs: Counted[];
  readonly sides: Record<Side, ShardWriter>;
  /** Sizes and times of the inputs when they were hashed. */
  readonly stamps: string[];
}

const stampOf = (path: string): string => {
  const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { size: -1, mtimeMs: 0 };
  return `${size} ${mtimeMs}`;
};

/** A piece on its way to a shard; the last one of a unit is empty. */
type RoutedPiece = Piece & { readonly open: OpenUnit; readonly side: Side; readonly isLast: boolean };

/** The work of one part. */
class Work {
  readonly records = new Map<number, Unit>();
  made = 0;
  readonly #options: CorpusOptions;
  readonly #folder: string;
  readonly #mine: readonly PlannedUnit[];
  readonly #totalFiles: number;
  readonly #sides: Sides;
  readonly #seen: SeenDocuments | undefined;
  #bytes = 0;
  #totalBytes = 0;
  #files = 0;
  #tokens = 0;

  constructor(options: CorpusOptions, folder: string, mine: readonly PlannedUnit[]) {
    this.#options = options;
    this.#folder = folder;
    this.#mine = mine;
    this.#totalFiles = mine.reduce((sum, { inputs }) => sum + inputs.length, 0);
    this.#sides = sidesOf(options.files, options.valFraction);
    this.#seen = options.dedup === 'none' ? undefined : new SeenDocuments();
  }

  /** Records of earlier calls. Throws DataError where an input is another file now. */
  async findFinished(): Promise<void> {
    for (const { unit, inputs } of this.#mine) {
      const path = join(this.#folder, `${six(unit)}.json`);
      const record = existsSync(path) ? readRecord(Unit, path) : undefined;
      if (record?.shards.every((shard) => isThere(this.#options.out, shard))) {
        for (const { path: input, sha256 } of record.inputs) {
          if ((await sha256Of(input)) === sha256) continue;
          throw new DataError(
            `${input} is another file than the one that ${path} tells of`,
            'put the old one back, or prepare everything anew in another folder',
          );
        }
        this.records.set(unit, record);
        this.#files += inputs.length;
      } else {
        this.#removeShards(unit);
        this.#totalBytes += inputs.reduce((sum, { bytes }) => sum + bytes, 0);
      }
    }
  }

  /** What a call that was killed has left of an unfinished unit, beside its last shard. */
  #removeShards(unit: number): void {
    const { out } = this.#options;
    for (const name of readdirSync(out)) if (unitOfShard(name) === unit) rmSync(join(out, name));
  }

  /** Makes what is missing. False: the signal ended it. */
  async run(): Promise<boolean> {
    const { tokenizer, threads, signal } = this.#options;
    let open: OpenUnit | undefined;
    try {
      for await (const { piece, tokens } of encodeAll(this.#pieces(), tokenizer, { threads })) {
        if (signal?.aborted) return false;
        open = piece.open;
        open.sides[piece.side].add(tokens, piece);
        this.#tokens += tokens.length;
        if (piece.isLast) await this.#finish(open);
        this.#report();
      }
      return true;
    } finally {
      for (const side of ['train', 'val'] as const) open?.sides[side].abort();
    }
  }

  async #finish({ unit, inputs, sides, stamps }: OpenUnit): Promise<void> {
    const { out } = this.#options;
    const shards: Shard[] = [];
    for (const written of [...sides.train.finish(), ...sides.val.finish()]) shards.push(await describe(written));
    const changed = inputs.find(({ path }, i) => stampOf(path) !== stamps[i]);
    if (changed) {
      for (const { file } of shards) rmSync(join(out, file));
      throw new DataError(
        `${changed.path} changed while it was read`,
        'start again when nothing writes to it any more',
      );
    }
    const record: Unit = { unit, inputs, shards };
    await writeFileAtomic(join(this.#folder, `${six(unit)}.json`), jsonFileText(record));
    this.records.set(unit, record);
    this.made++;
    this.#files += inputs.length;
  }

  #report(): void {
    this.#options.onProgress?.({
      files: this.#files,
      totalFiles: this.#totalFiles,
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
      tokens: this.#tokens,
    });
  }

  async *#pieces(): AsyncGenerator<RoutedPiece> {
    const { out, shardTokens, tokenizer } = this.#options;
    for (const { unit, inputs } of this.#mine) {
      if (this.records.has(unit)) {
        for (const { path } of this.#seen ? inputs : []) for await (const _ of this.#chunks(path, newCount(path)));
        continue;
      }
      const writer = (side: Side): ShardWriter =>
        new ShardWriter((shard) => join(out, shardName(side, unit, shard)), tokenizer.vocabSize, shardTokens);
      const sides = { train: writer('train'), val: writer('val') };
      const open: OpenUnit = { unit, inputs: [], sides, stamps: [] };
      for (const { path, bytes } of inputs) {
        open.stamps.push(stampOf(path));
        const counted: Counted = { ...newCount(path), bytes, sha256: await sha256Of(path) };
        open.inputs.push(counted);
        const onBytes = (read: number): void => {
          this.#bytes += read;
        };
        const route = await this.#sides.routeOf(path);
        for await (const chunk of this.#chunks(path, counted, onBytes)) {
          const parts = [...route(chunk)];
          for (const [i, { side, text }] of parts.entries()) {
            yield { file: path, text, side, end: chunk.docEnd && i === parts.length - 1, open, isLast: false };
          }
        }
      }
      yield { file: inputs[0]!.path, text: '', side: 'train', end: false, open, isLast: true };
    }
  }

  /** The documents of a file that are kept, in parts. */
  async *#chunks(path: string, counted: Counted, onBytes?: (bytes: number) => void): AsyncGenerator<TextChunk> {
    const { textKey, dedup } = this.#options;
    const isText = formatOf(path) === undefined;
    if (dedup !== 'none' && isText) {
      // one document in many parts: it is read to its end before anything of it is encoded
      const signature = new Signature(dedup);
      for await (const { text } of readText([path], { textKey })) signature.add(text);
      if (!this.#seen!.admit(signature)) {
        counted.duplicates++;
        onBytes?.(statSync(path).size);
        return;
      }
    }
    for await (const chunk of readText([path], { textKey, ...(onBytes ? { onBytes } : {}) })) {
      if (dedup !== 'none' && !isText) {
        const signature = new Signature(dedup);
        signature.add(chunk.text);
        if (!this.#seen!.admit(signature)) {
          counted.duplicates++;
          continue;
        }
      }
      if (chunk.docEnd) counted.documents++;
      yield chunk;
    }
  }
}

const newCount = (path: string): Counted => ({ path, bytes: 0, sha256: '', documents: 0, duplicates: 0 });

const isThere = (out: string, { file, bytes }: Shard): boolean =>
  statSync(join(out, file), { throwIfNoEntry: false })?.size === bytes;

async function describe({ path, tokens, documents, textBytes }: WrittenShard): Promise<Shard> {
  const { size } = statSync(path);
  const sha256 = await sha256Of(path);
  return { file: basename(path), tokens, documents, text_bytes: textBytes, bytes: size, sha256 };
}
