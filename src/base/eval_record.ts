// The result of `gpt eval --tasks`, as terminal, report and JSON show it: tasks under models, by number of shots.

/** One evaluation: a file report.json in its folder. */
export interface EvalRecord {
  readonly format: 1;
  readonly gpt: string; //       version
  readonly date: string; //      ISO 8601
  readonly command: string; //   as typed
  readonly backend: string;
  readonly seconds: number;
  readonly models: readonly EvalModel[];
  readonly runs: readonly TaskRun[];
  readonly notes: readonly string[]; // what the reader must know: reduced shots, a small --limit, bootstrap of fewer samples
}

export interface EvalModel {
  readonly name: string; //      short, unique in the record
  readonly dir: string;
  readonly parameters: number;
  readonly n_ctx: number;
  readonly step: number | null; //  updates of the training run
}

/** A task, or a group of tasks, under one model with one number of shots. */
export interface TaskRun {
  readonly model: number; //      index into models
  readonly task: string;
  readonly alias: string;
  readonly members: readonly string[] | null; // tasks and groups right below a group; null: a task
  readonly version: string;
  readonly protocol: 'harness' | 'gpt3';
  readonly asked: string; //      --shots as typed: "0", "1", "few"
  readonly shots: number; //      demonstrations in a prompt, in fact; of a group the mean of its tasks
  readonly docs: number;
  readonly docs_of: number; //    before --limit
  readonly requests: number;
  readonly truncated: number; //  requests whose context did not fit
  readonly seconds: number;
  readonly metrics: readonly TaskMetric[]; // the first is the headline
  readonly chance: number | null; //   of the headline: a guess among the choices; null: not defined
  readonly majority: number | null; // of the headline: always the most frequent answer
  readonly contamination: Contamination | null;
  readonly examples: readonly PromptExample[]; // a few, for the report
}

export interface TaskMetric {
  readonly metric: string;
  readonly filter: string; //     "none" where there is none
  readonly value: number;
  readonly stderr: number | null; // null: not defined
  readonly higher_is_better: boolean;
}

/** Overlap of the documents with a training corpus (GPT-3, appendix C). Headline metric of both parts, null where empty. */
export interface Contamination {
  readonly n: number; //          words of an n-gram
  readonly dirty: number; //      documents with an n-gram that stands in the corpus
  readonly clean_value: number | null;
  readonly dirty_value: number | null;
}

/** A prompt that the model saw, with its answer. */
export interface PromptExample {
  readonly prompt: string;
  readonly target: string;
  readonly answer: string;
  readonly right: boolean | null; // null: not judged by right and wrong
}
