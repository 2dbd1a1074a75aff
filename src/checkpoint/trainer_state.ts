// trainer/state.json: what a run needs, beside parameters and Adam's moments, to go on exactly where it stopped.
// Data order, dropout and samples are pure functions of (seed, step): no generator state has to be stored.

import { z } from 'zod';
import { DataError } from '../base/errors.js';
import type { Json } from '../base/events.js';

/** Raised when a reader of the old files could no longer resume exactly. */
export const FORMAT_VERSION = 1;

const StoredState = z.object({
  format_version: z.literal(FORMAT_VERSION),
  step: z.int().min(0), //                   updates made
  tokens: z.number().min(0), //              trained on so far
  seconds: z.number().min(0), //             of training, over all parts of the run
  best_val_loss: z.number().nullable(), //   nats per token; null: not validated yet
  best_step: z.int().nullable(),
  seed: z.int().min(0),
  config: z.json(), //                       resolved RunConfig
  origins: z.record(z.string(), z.string()), // config key -> file:line, flag or "default"
  data_fingerprint: z.string(), //           of the token shards: a resumed run must read the same ones
});

/** The content of state.json, but for the format's version. */
export type TrainerState = Readonly<Omit<z.infer<typeof StoredState>, 'format_version' | 'config'>> & {
  readonly config: Json;
};

/** The file's text. */
export function trainerStateText(state: TrainerState): string {
  return `${JSON.stringify({ format_version: FORMAT_VERSION, ...state }, null, 2)}\n`;
}

/** Throws DataError, naming the file, on damage or on another version's format. */
export function parseTrainerState(text: string, file: string): TrainerState {
  const problem = (what: string, fix = 'use another checkpoint') => new DataError(`${file}: ${what}`, fix);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw problem('is no JSON (cut off?)');
  }
  const version = (json as { format_version?: unknown } | null)?.format_version;
  if (typeof version === 'number' && version !== FORMAT_VERSION) {
    throw problem(
      `has format version ${version}, this gpt reads ${FORMAT_VERSION}`,
      'resume with the version of gpt that saved it',
    );
  }
  const parsed = StoredState.safeParse(json);
  if (!parsed.success) {
    throw problem(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  }
  const { format_version: _, ...state } = parsed.data;
  return state;
}
