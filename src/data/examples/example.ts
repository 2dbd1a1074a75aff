// What an example of a task is, in the words that all of fine-tuning uses.

/** GPT-1's four forms of a task (Radford et al. 2018, figure 1). */
export type TaskForm = 'classification' | 'entailment' | 'similarity' | 'multiple-choice';

/** rows: named columns of any .tsv, .csv, .json, .jsonl or .parquet file; the others are published data sets. */
export const EXAMPLE_FORMATS = ['rows', 'sst2', 'cola', 'rte', 'sick', 'stsb', 'mrpc', 'copa', 'cosmosqa'] as const;

/** How a file holds its examples. */
export type ExampleFormat = (typeof EXAMPLE_FORMATS)[number];

/** One example: texts without white space at their ends, none of them empty. */
export interface Example {
  /** For messages: "rte/dev.tsv:17". */
  readonly place: string;
  /** [text], entailment [premise, hypothesis], similarity [a, b], multiple choice [context + " " + question]. */
  readonly texts: readonly string[];
  /** Of multiple choice only: two or more answers. */
  readonly choices?: readonly string[];
  /**
   * Classes: a name, or a number where it is written as one. Scores: a number. Multiple choice: the index of the right
   * answer, from 0. null: there is none.
   */
  readonly gold: string | number | null;
}

/** The user's names of columns, where they are not those that gpt knows. */
export interface ColumnNames {
  readonly text?: string | undefined;
  readonly first?: string | undefined;
  readonly second?: string | undefined;
  readonly context?: string | undefined;
  readonly question?: string | undefined;
  /** Of each answer, or of the one column that lists them. */
  readonly answers?: readonly string[] | undefined;
  readonly label?: string | undefined;
}

/** How to read examples. */
export interface ExampleOptions {
  readonly form: TaskForm;
  readonly format: ExampleFormat | 'auto';
  readonly columns: ColumnNames;
  /** optional: a row without a label is an example too (to predict). */
  readonly labels: 'required' | 'optional';
  /** Labels are scores: finite numbers. */
  readonly score: boolean;
  /** skip: rows that are no examples are counted and left out. */
  readonly onBadRow: 'fail' | 'skip';
}

/** All examples of some files. */
export interface ExampleSet {
  readonly examples: readonly Example[];
  readonly format: ExampleFormat;
  readonly files: readonly string[];
  /** Bad rows that were left out, and the messages of the first few. */
  readonly skipped: { readonly count: number; readonly first: readonly string[] };
  /** Names that the format gives to the numbers of its classes: RTE {"0": "entailment", "1": "not_entailment"}. */
  readonly classNames: Readonly<Record<string, string>> | null;
}
