// A made-up evaluation: three models, four tasks, 0, 1 and few shots, with what an evaluation can meet: "few" that differs
// from task to task and model to model, a task at chance, truncated prompts, overlap with a training corpus.

import type { EvalModel, EvalRecord, PromptExample, TaskRun } from '../../src/base/eval_record.js';

export const models: readonly EvalModel[] = [
  { name: 'icl-tiny', dir: 'checkpoints/icl-tiny', parameters: 312_448, n_ctx: 256, step: 4000 },
  { name: 'icl-small', dir: 'checkpoints/icl-small', parameters: 1_054_720, n_ctx: 256, step: 4000 },
  { name: 'icl-medium', dir: 'checkpoints/icl-medium', parameters: 3_236_096, n_ctx: 512, step: 4000 },
];

interface FakeTask {
  readonly task: string;
  readonly docs: number;
  readonly chance: number | null;
  readonly majority: number | null;
  readonly few: readonly [n256: number, n512: number];
  readonly at: (size: number, shots: 0 | 1 | 2) => number; // accuracy; size 0, 1, 2
}

const TASKS: readonly FakeTask[] = [
  {
    task: 'rte',
    docs: 277,
    chance: 0.5,
    majority: 0.5271,
    few: [10, 10],
    at: (size, shots) => 0.52 + 0.011 * size - 0.006 * shots,
  },
  {
    task: 'sst2',
    docs: 872,
    chance: 0.5,
    majority: 0.5092,
    few: [12, 24],
    at: (size, shots) => 0.548 + 0.03 * size + 0.027 * shots * (1 + size),
  },
  {
    task: 'piqa',
    docs: 1838,
    chance: 0.5,
    majority: 0.505,
    few: [10, 16],
    at: (size, shots) => 0.516 + 0.022 * size + 0.006 * shots,
  },
  {
    task: 'anagrams',
    docs: 500,
    chance: null,
    majority: null,
    few: [14, 30],
    at: (size, shots) => 0.02 + [0.05, 0.17, 0.27][shots]! * (0.5 + size),
  },
];

const examplesOf = (task: string): PromptExample[] => [
  {
    prompt:
      'Dana Reeve, the widow of the actor Christopher Reeve, has died of lung cancer at age 44.\nQuestion: Christopher Reeve had an accident. True or False?\nAnswer:',
    target: ' False',
    answer: ' True',
    right: false,
  },
  {
    prompt: `${task}: <b>bold</b> & "quotes"\n\n  indented\ttab\nAnswer:`,
    target: ' True',
    answer: ' True',
    right: true,
  },
];

function fakeRun(model: number, { task, docs, chance, majority, few, at }: FakeTask, shots: 0 | 1 | 2): TaskRun {
  const k = [0, 1, models[model]!.n_ctx === 512 ? few[1] : few[0]][shots]!;
  const value = Math.round(at(model, shots) * docs) / docs;
  const stderr = Math.sqrt((value * (1 - value)) / (docs - 1));
  const choices = chance === null ? 1 : 2;
  return {
    model,
    task,
    alias: task,
    members: null,
    version: '1.0',
    protocol: 'harness',
    asked: ['0', '1', 'few'][shots]!,
    shots: k,
    docs,
    docs_of: docs,
    requests: docs * choices,
    truncated: task === 'rte' && shots === 2 ? 31 - 10 * model : 0,
    seconds: 2.5 + shots + model,
    metrics: [
      { metric: chance === null ? 'exact_match' : 'acc', filter: 'none', value, stderr, higher_is_better: true },
      ...(task === 'piqa'
        ? [{ metric: 'acc_norm', filter: 'none', value: value - 0.008, stderr, higher_is_better: true }]
        : []),
    ],
    chance,
    majority,
    contamination:
      task === 'piqa' ? { n: 13, dirty: 112, clean_value: value - 0.004, dirty_value: value + 0.0617 } : null,
    examples: examplesOf(task),
  };
}

/** The same every time. */
export function fakeEval(): EvalRecord {
  return {
    format: 1,
    gpt: '0.7.0',
    date: '2026-03-14T15:09:26.535Z',
    command:
      'gpt eval checkpoints/icl-tiny checkpoints/icl-small checkpoints/icl-medium --tasks rte,sst2,piqa,anagrams --shots 0,1,few --contamination data/train.txt',
    backend: 'native (2 threads)',
    seconds: 161,
    models,
    runs: models.flatMap((_, m) =>
      TASKS.flatMap((task) => ([0, 1, 2] as const).map((shots) => fakeRun(m, task, shots))),
    ),
    notes: ['rte: 52 of 2,493 prompts did not fit into the context and lost their beginning'],
  };
}

/** Of one model. */
export function fakeEvalOf(model: number): EvalRecord {
  const record = fakeEval();
  const runs = record.runs.filter((r) => r.model === model).map((r) => ({ ...r, model: 0 }));
  return { ...record, models: [models[model]!], runs };
}

/** A group of two tasks beside a task of which only perplexity is known. */
export function fakeGroupEval(): EvalRecord {
  const record = fakeEvalOf(1);
  const [a, b] = [TASKS[1]!, TASKS[2]!];
  const shots = [0, 1, 2] as const;
  const members = [a, b].flatMap((task) => shots.map((s) => ({ ...fakeRun(1, task, s), model: 0 })));
  const groups = shots.map((s): TaskRun => {
    const own = members.filter((r) => r.asked === ['0', '1', 'few'][s]);
    const value = own.reduce((sum, r) => sum + r.metrics[0]!.value * r.docs, 0) / (a.docs + b.docs);
    return {
      ...own[0]!,
      task: 'both',
      alias: 'both',
      members: [a.task, b.task],
      docs: a.docs + b.docs,
      docs_of: a.docs + b.docs,
      requests: own.reduce((sum, r) => sum + r.requests, 0),
      metrics: [{ metric: 'acc', filter: 'none', value, stderr: 0.01, higher_is_better: true }],
      contamination: null,
      examples: [],
    };
  });
  const text = shots.map(
    (s): TaskRun => ({
      ...members[0]!,
      task: 'held_out',
      alias: 'held_out',
      asked: ['0', '1', 'few'][s]!,
      shots: [0, 1, 8][s]!,
      docs: 60,
      docs_of: 60,
      requests: 60,
      metrics: [
        {
          metric: 'word_perplexity',
          filter: 'none',
          value: [41.2, 39.9, 38.4][s]!,
          stderr: null,
          higher_is_better: false,
        },
        {
          metric: 'bits_per_byte',
          filter: 'none',
          value: [1.21, 1.2, 1.19][s]!,
          stderr: null,
          higher_is_better: false,
        },
      ],
      chance: null,
      majority: null,
      contamination: null,
      examples: [{ prompt: 'Once', target: '', answer: ' upon a time', right: null }],
    }),
  );
  return { ...record, runs: [...groups, ...members, ...text] };
}
