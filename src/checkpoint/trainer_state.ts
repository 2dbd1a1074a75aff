// trainer/state.json: what a run needs, beside parameters and Adam's moments, to go on exactly where it stopped.
// Data order, dropout and samples are pure functions of (seed, step): no generator state has to be stored.

import { z } from 'zod';
import { DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';
import { short } from '../base/format.js';
import { jsonFileText, parseJson } from '../base/json.js';

/** Raised, with a migration, when a reader of the old files could no longer resume exactly. */
export const FORMAT_VERSION = 1;

/** Makes the content of a file of version n + 1 from that of version n. */
export type Migration = (old: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/** By version n, for every n that was ever released before FORMAT_VERSION. */
const MIGRATIONS: Readonly<Record<number, Migration>> = {};

const StoredState = z.object({
  format_version: z.literal(FORMAT_VERSION),
  saved_at: z.iso.datetime().optional(), //  which of two checkpoints is newer; older files lack it
  step: z.int().min(0), //                   updates made
  tokens: z.number().min(0), //              trained on so far
  seconds: z.number().min(0), //             of training, over all parts of the run
  best_val_loss: z.number().nullable(), //   nats per token; null: not validated yet
  best_step: z.int().nullable(),
  // Not in files of version 0.1.0; without them early stopping and z-scores start anew.
  without_better: z.int().min(0).default(0), // validations since the best one
  recent_loss: z.array(z.number()).default([]), // of the last steps (train/outlier.ts)
  recent_grad_norm: z.array(z.number()).default([]),
  seed: z.int().min(0),
  // Resolved RunConfig: section -> key -> value. Values are checked where they are used (config/load.ts).
  config: z.record(z.string(), z.record(z.string(), z.custom<Json>())),
  origins: z.record(z.string(), z.string()), // config key -> file:line, flag or "default"
  data_fingerprint: z.string(), //           of the token shards: a resumed run must read the same ones
});

/** The content of state.json that training goes on from. */
export type TrainerState = Readonly<Omit<z.infer<typeof StoredState>, 'format_version' | 'saved_at' | 'config'>> & {
  readonly config: Json;
};

/** The file's text. */
export function trainerStateText(state: TrainerState, time: Date): string {
  return jsonFileText({ format_version: FORMAT_VERSION, saved_at: time.toISOString(), ...state });
}

/** When a file was saved, in milliseconds since 1970; undefined where it does not say, or is damaged. */
export function savedAt(text: string): number | undefined {
  try {
    return Date.parse(z.object({ saved_at: z.iso.datetime() }).parse(JSON.parse(text)).saved_at);
  } catch {
    return undefined;
  }
}

/**
 * Reads a file of this version, or of an older one that the migrations lead to this one.
 * Throws DataError, naming the file, on damage and on any other version.
 */
export function parseTrainerState(text: string, file: string, migrations = MIGRATIONS): TrainerState {
  const problem = (what: string, fix = 'use another checkpoint') => new DataError(`${file}: ${what}`, fix);
  const json = parseJson(text, () => problem('is no JSON (cut off?)'));
  const parsed = StoredState.safeParse(migrated(json, migrations, problem));
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${short(issue.path.join('.'))}: ${short(issue.message)}`);
    throw problem(issues.slice(0, 3).join('; '));
  }
  const { format_version: _, saved_at: __, ...state } = parsed.data;
  return state;
}

function migrated(
  json: unknown,
  migrations: Readonly<Record<number, Migration>>,
  problem: (what: string, fix: string) => DataError,
): unknown {
  let state = json as Record<string, unknown> | null;
  const stored = state?.['format_version'];
  if (typeof stored !== 'number') return json; // damage: the schema says what is wrong
  for (let version = stored; version !== FORMAT_VERSION; version++) {
    const migrate = version < FORMAT_VERSION ? migrations[version] : undefined;
    if (migrate === undefined) {
      throw problem(
        `has format version ${stored}, this gpt reads ${[...Object.keys(migrations), FORMAT_VERSION].join(', ')}`,
        stored > FORMAT_VERSION
          ? 'a newer gpt saved it: resume with that version or a later one'
          : 'resume with the version of gpt that saved it',
      );
    }
    state = { ...migrate(state!), format_version: version + 1 };
  }
  return state;
}
