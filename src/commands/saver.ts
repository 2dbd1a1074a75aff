// Checkpoints of a run in training: the model, the optimizer, and where the run stands.
//
// save() returns as soon as all bytes are written; fsyncs, the rename and the pointers follow in a thread of their own
// (checkpoint/publish.ts) while the next step computes. One checkpoint at a time is on its way.

import type { Reporter } from '../base/events.js';
import { toGenerationConfig, toHfConfig } from '../checkpoint/hf.js';
import { publishInBackground } from '../checkpoint/publish.js';
import { CheckpointStore } from '../checkpoint/store.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import type { TrainerState } from '../checkpoint/trainer_state.js';
import type { Gpt } from '../model/gpt.js';
import type { TaskHead } from '../model/heads.js';
import type { Parameter } from '../ops/parameter.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Optimizer } from '../train/optimizer.js';

/** What is saved, and who hears of it. */
export interface SaverOptions {
  readonly dir: string; // of the run
  readonly model: Gpt;
  readonly optimizer: Optimizer;
  readonly tokenizer: Tokenizer;
  /** Of a fine-tuned model. */
  readonly head?: TaskHead;
  readonly task?: TaskFile;
  /** Where the run stands now. */
  readonly state: () => TrainerState;
  /** Newest checkpoints that stay, beside the best. */
  readonly keep: number;
  readonly report: Reporter;
  /** A checkpoint failed on its way: published() throws why. */
  readonly onFailure: () => void;
}

/** Saves a run. */
export interface Saver {
  /** Writes a checkpoint of this moment. Throws DataError when the disk refuses it, or refused the one before. */
  readonly save: (best: boolean) => Promise<void>;
  /** Waits for what is on its way; throws DataError when the disk refuses it. */
  readonly published: () => Promise<void>;
}

/** A saver for one run. */
export function createSaver(o: SaverOptions): Saver {
  const { model, optimizer, tokenizer, report } = o;
  const store = new CheckpointStore(o.dir, undefined, publishInBackground);
  let published: Promise<void> = Promise.resolve();
  const save = async (best: boolean): Promise<void> => {
    const started = performance.now();
    const state = o.state();
    const {
      dir,
      bytes,
      published: publication,
    } = await store.save(
      state.step,
      {
        hfConfig: toHfConfig(model.config, tokenizer.eot),
        generationConfig: toGenerationConfig(tokenizer.eot),
        tokenizerJson: tokenizer.toJson(),
        params: [...model.params.values(), ...(o.head?.parameters() ?? [])].map(saved),
        task: o.task,
        adapter: model.lora && {
          config: model.lora.config,
          task: 'CAUSAL_LM', // a task's head is not PEFT's: gpt export writes one that is
          base: '..', // the step folder, from where the adapters lie
          adapters: [...model.lora.params.values()].map(saved),
          modules: [],
        },
        optimizer: [...optimizer.state()].map(({ name, shape, tensor }) => ({
          name,
          shape,
          data: () => tensor.data<'float32'>(),
        })),
        state,
      },
      { best, keep: o.keep },
    );
    const blocked_seconds = (performance.now() - started) / 1000;
    published = publication.then((publishing) => {
      const seconds = blocked_seconds + publishing;
      report.on({ type: 'checkpoint', step: state.step, dir, bytes, seconds, blocked_seconds, best });
    });
    published.catch(o.onFailure);
  };
  return { save, published: () => published };
}

const saved = ({ name, shape, value }: Parameter) => ({ name, shape, data: () => value.data<'float32'>() });
