// Several evaluations as one: checkpoints that were evaluated apart, or one whose tasks came at different times.
//
// Two models are the same when folder, parameters and updates are. Of the same task, protocol and setting of --shots under
// the same model the later record counts. Models of one name get their folder added, then a number.

import type { EvalModel, EvalRecord, TaskRun } from '../../base/eval_record.js';
import { distinct } from '../../base/eval_scores.js';

/** The records in the order given; the latest date. At least one. */
export function mergeEvalRecords(records: readonly EvalRecord[]): EvalRecord {
  const [first] = records;
  if (first === undefined) throw new Error('internal: a merge of no evaluations');
  if (records.length === 1) return first;
  const models = new Map<string, EvalModel>();
  const runs = new Map<string, TaskRun>();
  for (const record of records) {
    for (const model of record.models) if (!models.has(identity(model))) models.set(identity(model), model);
    const places = [...models.keys()];
    for (const run of record.runs) {
      const model = places.indexOf(identity(record.models[run.model]!));
      const key = JSON.stringify([model, run.task, run.protocol, run.asked]);
      runs.set(key, { ...run, model }); // a Map keeps the place of the first
    }
  }
  const texts = (of: (record: EvalRecord) => string, between: string) => distinct(records.map(of)).join(between);
  return {
    format: 1,
    gpt: texts((r) => r.gpt, ', '),
    date: records.map((r) => r.date).reduce((a, b) => (a > b ? a : b)),
    command: texts((r) => r.command, '\n'),
    backend: texts((r) => r.backend, ', '),
    seconds: records.reduce((sum, r) => sum + r.seconds, 0),
    models: named([...models.values()]),
    runs: [...runs.values()],
    notes: distinct(records.flatMap((r) => r.notes)),
  };
}

const identity = ({ dir, parameters, step }: EvalModel): string => JSON.stringify([dir, parameters, step]);

/** small, small (checkpoints/other), small (checkpoints/other) 2 */
function named(models: readonly EvalModel[]): EvalModel[] {
  const taken = new Set<string>();
  return models.map((model) => {
    let name = model.name;
    if (taken.has(name)) name = `${model.name} (${model.dir})`;
    for (let n = 2; taken.has(name); n++) name = `${model.name} (${model.dir}) ${n}`;
    taken.add(name);
    return { ...model, name };
  });
}
