// What the command line hands to a command: its options, already checked, and the outside world.
// Every command is a module of this folder that exports `run`, of type Run<its options>.
// Types only: src/cli/main.ts fills them in, and imports a command when it is chosen.

import type { EvalRecord } from '../base/eval_record.js';
import type { Reporter } from '../base/events.js';

/** Names of `--backend`. */
export type BackendName = 'auto' | 'cuda' | 'native' | 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly debug: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly color: 'auto' | 'always' | 'never';
}

/** Options of commands that compute. undefined: the backend decides. */
export interface ComputeOptions extends GlobalOptions {
  readonly backend: BackendName;
  readonly device: number | undefined; //  index of a GPU
  readonly threads: number | undefined;
}

export interface PretrainOptions extends ComputeOptions {
  readonly config: string | undefined; //  file or preset name; undefined only with --resume or with flags alone
  readonly data: readonly string[] | undefined; // files, folders, globs; stands for the config key data.path
  readonly out: string | undefined; //     run folder; default checkpoints/<config name>
  readonly resume: string | undefined; //  run or step folder
  readonly init?: string | undefined; //   checkpoint whose weights it starts from: gpt finetune --task lm
  readonly printConfig: boolean;
  readonly dryRun: boolean; //             plan, check, stop
  readonly flags: readonly string[]; //    dotted overrides as typed: ['--train.max_steps', '100', '--model.n_layer=4']
}

export interface FinetuneOptions extends ComputeOptions {
  readonly checkpoint: string | undefined; // undefined only with --resume
  readonly config: string | undefined; //     file or preset of configs/finetune/
  readonly task: string | undefined; //       lm: plain text, by gpt pretrain's keys
  readonly data: readonly string[] | undefined;
  readonly out: string | undefined; //        default checkpoints/<run>-<config or task>
  readonly resume: string | undefined;
  readonly ablation: boolean; //              pretrained, without the LM loss, from scratch: side by side
  readonly seeds: number; //                  of each variant of an ablation
  readonly printConfig: boolean;
  readonly dryRun: boolean;
  readonly flags: readonly string[]; //       dotted overrides, those of short options included
}

/** Columns of labelled files that are named on the command line. */
export interface ColumnOptions {
  readonly text?: string;
  readonly first?: string;
  readonly second?: string;
  readonly context?: string;
  readonly question?: string;
  readonly answers?: readonly string[];
  readonly label?: string;
}

export interface PredictOptions extends ComputeOptions {
  readonly checkpoint: string;
  readonly data: readonly string[];
  readonly out: string | undefined; //        a new .jsonl; undefined: stdout
  readonly format: string;
  readonly columns: ColumnOptions; //         beside those of the training data, or instead
  readonly onBadRow: 'fail' | 'skip';
}

export interface GenerateOptions extends ComputeOptions {
  readonly checkpoint: string;
  readonly prompt: readonly string[]; //    empty: no --prompt given; '-': standard input
  readonly promptFile: string | undefined; // '-': standard input
  readonly interactive: boolean;
  readonly n: number; //                    samples per prompt
  readonly tokens: number;
  readonly temperature: number; //          0: greedy
  readonly topK: number; //                 0: all
  readonly topP: number; //                 1: all
  readonly seed: number;
  readonly stop: readonly string[];
  readonly precision: 'fp32' | 'bf16'; //   of the weights
}

/** Number of demonstrations in a prompt; few: as many as fit, at most 100. */
export type Shots = number | 'few';

/** Tasks in lm-evaluation-harness's format, and where they and their data are. */
export interface TaskSource {
  readonly tasks: readonly string[]; //      names of tasks, groups and tags, with * as a wildcard
  readonly tasksDirs: readonly string[]; //  searched before the built-in ones
  readonly taskFiles: readonly string[]; //  YAML files whose tasks are all meant
  readonly dataRoots: readonly string[]; //  searched before GPT_DATA and the bundled data
  readonly trainRows: number | undefined; // rows of validation that become train where original files have none
}

export interface EvalOptions extends ComputeOptions {
  readonly checkpoints: readonly string[]; // several only with tasks
  readonly out: string | undefined; //       folder of the report; undefined: beside the checkpoint
  // perplexity of a text
  readonly data: readonly string[] | undefined;
  readonly window: 'disjoint' | 'strided' | 'rolling' | undefined; // undefined: strided where a stride is given
  readonly stride: number | undefined; //    tokens; undefined: n_ctx
  readonly detokenize: 'none' | 'wikitext' | 'ptb' | 'lm1b';
  readonly textKey: string;
  readonly batch: number | undefined; //     sequences per forward pass
  // the task of a fine-tuned model
  readonly task: string | undefined; //      form of the fine-tuned task; undefined: perplexity
  readonly format: string; //                of labelled data
  readonly columns: ColumnOptions; //        of labelled data
  readonly onBadRow: 'fail' | 'skip';
  // tasks in context
  readonly source: TaskSource; //            without tasks and files: none of this
  readonly shots: readonly Shots[]; //       empty: what each task file says, else 0
  readonly protocol: 'harness' | 'gpt3';
  readonly demonstrations: 'right' | 'shuffled';
  readonly limit: number | undefined; //     documents of each task
  readonly seed: number; //                  of the demonstrations
  readonly bootstrap: number | undefined; // draws of a bootstrapped standard error
  readonly contamination: readonly string[]; // training text: files, folders, globs
  readonly logSamples: boolean;
  readonly plot: boolean;
  readonly cache: boolean;
}

/** `gpt tasks list` and `gpt tasks show`. */
export interface TasksOptions extends GlobalOptions {
  readonly action: 'list' | 'show';
  readonly source: TaskSource;
  readonly shots: number; //                 of show
  readonly docs: number; //                  documents that are shown
  readonly protocol: 'harness' | 'gpt3';
  readonly seed: number;
}

export interface BenchOptions extends ComputeOptions {
  readonly model: string; //              preset name or file
  readonly batch: number;
  readonly nCtx: number | undefined; //   undefined: the model's
  readonly steps: number;
  readonly warmup: number;
  readonly precision: 'fp32' | 'tf32' | 'bf16' | 'auto';
  readonly recompute: boolean; //         train.recompute
  readonly profile: boolean; //           a table by kernel, too
  readonly limits: boolean; //            measure what the machine can do, and nothing else
}

export interface PlanOptions extends GlobalOptions {
  readonly config: string; //               preset name or file
  readonly flags: readonly string[]; //     dotted config flags
  readonly tokens: number | undefined; //   of one epoch of the text
  readonly view: PlanView;
}

/** What a plan is asked about, beside the run on this machine. */
export interface PlanView {
  readonly gpus?: number | undefined;
  readonly gpuMemory?: number | undefined; // bytes of each
  readonly hardware?: string | undefined; //  one of config/hardware.ts, by its key; undefined: all
  readonly mfu?: number | undefined; //       share of the peak; undefined: 0.4
  readonly price?: number | undefined; //     of a GPU-hour
  readonly gflops?: number | undefined; //    rate that a machine delivers
}

/** `gpt config show`. */
export interface ConfigShowOptions extends GlobalOptions {
  readonly action: 'show';
  readonly config: string; //               preset name or file, of pretrain or finetune
  readonly flags: readonly string[]; //     dotted config flags
}

/** `gpt config list`. */
export interface ConfigListOptions extends GlobalOptions {
  readonly action: 'list';
}

export type ConfigOptions = ConfigShowOptions | ConfigListOptions;

/** A command of the tree as data: what completions and the man page are made of. */
export interface CommandTree {
  readonly path: string; //                 "gpt data get"
  readonly summary: string;
  readonly description: string; //          with examples
  readonly usage: string; //                "gpt data get [options] <path> [name]"
  readonly args: readonly CommandArgument[];
  readonly options: readonly CommandOption[]; // its own, and of the root those of all commands
  readonly takesKeys: boolean; //           dotted config flags
  readonly commands: readonly CommandTree[];
}

export interface CommandArgument {
  readonly name: string;
  readonly variadic: boolean;
  readonly choices: readonly string[];
  readonly description: string;
}

export interface CommandOption {
  readonly names: readonly string[]; //     "-q", "--quiet"
  readonly value: string | null; //         name of its value; null: it takes none
  readonly flags: string; //                "-q, --quiet" or "--data <path...>"
  readonly variadic: boolean;
  readonly choices: readonly string[];
  readonly description: string;
}

/** `gpt completion`. */
export interface CompletionOptions extends GlobalOptions {
  readonly shell: 'bash' | 'zsh' | 'fish' | 'man';
  readonly tree: CommandTree;
}

export type DoctorOptions = GlobalOptions;

export interface ReportOptions extends GlobalOptions {
  readonly dirs: readonly string[]; //  run folders, or folders of evaluations
  readonly out: string | undefined; //  FILE.html of runs; a new folder of evaluations
}

export interface WatchOptions extends GlobalOptions {
  readonly dir: string | undefined; //  a run folder; undefined: the newest one in checkpoints/
  readonly port: number; //             0: any free one
}

export interface SelftestOptions extends ComputeOptions {
  readonly only: string | undefined; // kernels whose name contains it
  readonly large: boolean; //           sizes of real models too, timed
}

export interface ParityOptions extends ComputeOptions {
  readonly dirs: readonly string[];
  readonly precision: 'fp32' | 'tf32' | 'bf16';
}

/** `gpt tokenizer train`. */
export interface TokenizerTrainOptions extends GlobalOptions {
  readonly action: 'train';
  readonly data: readonly string[]; //    files, folders, globs
  readonly out: string;
  readonly vocabSize: number;
  readonly minFrequency: number;
  readonly textKey: string;
}

/** `gpt tokenizer show`. */
export interface TokenizerShowOptions extends GlobalOptions {
  readonly action: 'show';
  readonly tokenizer: string; //          tokenizer.json, folder, or a name of tokenizer.type
  readonly text: string | undefined; //   '-': standard input
}

/** `gpt tokenizer report`. */
export interface TokenizerReportOptions extends GlobalOptions {
  readonly action: 'report';
  readonly tokenizer: string; //          as for show
  readonly data: readonly string[]; //    files, folders, globs; may be none
  readonly textKey: string;
}

export type TokenizerOptions = TokenizerTrainOptions | TokenizerShowOptions | TokenizerReportOptions;

/** Standard input. */
export interface StandardInput {
  /** A pipe, file or socket is connected to it: somebody means it to be read. */
  readonly isPiped: boolean;
  /** All of it, without its last line end. Throws DataError for what is no UTF-8. */
  readonly text: () => Promise<string>;
  /** A user at a terminal. Throws ConfigError where there is none. */
  readonly lines: () => TypedLines;
}

/** Lines that a user types. */
export interface TypedLines {
  /** Shows the prompt and resolves to the line, without its end; undefined: the user leaves (Ctrl-C, Ctrl-D). */
  readonly ask: (prompt: string) => Promise<string | undefined>;
  /** Runs work whose signal Ctrl-C aborts. */
  readonly interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  readonly close: () => void;
}

export interface ImportOptions extends GlobalOptions {
  readonly source: string; //               file of llm.c or nanoGPT, folder of Hugging Face or of OpenAI's GPT-1
  readonly out: string;
  readonly tensors: boolean; //             list all of them
  readonly tokenizer: string | undefined; // gpt2-bpe, byte, a file or a folder; undefined: the source's, else by the vocabulary's size
  readonly activation: 'gelu' | 'gelu_new' | undefined; // of nanoGPT's; undefined: by the file's age
}

export interface ExportOptions extends GlobalOptions {
  readonly checkpoint: string;
  readonly format: 'hf' | 'llmc' | 'nanogpt' | 'peft';
  readonly out: string;
  readonly dtype: 'f32' | 'bf16' | 'f16';
  readonly merge: boolean; //            LoRA adapters into the weights
  readonly base: string | undefined; // of peft: where its base model is; undefined: the checkpoint's folder
}

/** `gpt get`: a model of the hub. */
export interface GetOptions extends GlobalOptions {
  readonly model: string; //             gpt2, ..., or a repository of the hub
  readonly out: string | undefined; //   undefined: checkpoints/<name>
  readonly hub: string | undefined; //   its address
  readonly dryRun: boolean;
  readonly tensors: boolean; //          list all of them
}

/** `gpt data import`. */
export interface DataImportOptions extends GlobalOptions {
  readonly action: 'import';
  readonly name: string;
  readonly source: string; //              folder of the original files, or one of them
  readonly out: string | undefined; //     data root
  readonly trainRows: number | undefined; // rows of validation that become train
  readonly overwrite: boolean;
}

/** `gpt data get`. */
export interface DataGetOptions extends GlobalOptions {
  readonly action: 'get';
  readonly path: string; //                dataset_path, or the name of a set or corpus that gpt knows
  readonly name: string | undefined; //    dataset_name
  readonly split: readonly string[] | undefined; // undefined: all
  readonly out: string | undefined; //     data root
  readonly hub: string | undefined; //     its address
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

/** `gpt data list`. */
export interface DataListOptions extends GlobalOptions {
  readonly action: 'list';
  readonly dataRoot: readonly string[];
}

/** `gpt data prepare`. */
export interface DataPrepareOptions extends GlobalOptions {
  readonly action: 'prepare';
  readonly data: readonly string[]; //     files, folders, globs
  readonly out: string;
  readonly tokenizer: string; //           gpt2, byte, a tokenizer.json or a folder that holds one
  readonly textKey: string;
  readonly valFraction: number;
  readonly shardTokens: number;
  readonly dedup: 'none' | 'exact' | 'near';
  readonly part: readonly [part: number, parts: number];
  readonly threads: number | undefined; // undefined: all cores
}

/** `gpt data merge` and `gpt data check`. */
export interface DataFolderOptions extends GlobalOptions {
  readonly action: 'merge' | 'check';
  readonly dir: string;
}

export type DataOptions = DataImportOptions | DataGetOptions | DataListOptions | DataPrepareOptions | DataFolderOptions;

/** The outside world, as a command sees it: no other layer reads process.env or writes to the terminal. */
export interface CommandContext {
  /** To stdout, exactly as given: callers end their lines with \n. */
  readonly out: (text: string) => void;
  /** To stderr, exactly as given. */
  readonly err: (text: string) => void;
  /** A reporter that shows a run as --quiet, --json and the terminal ask for. Closed by the command; main makes sure. */
  readonly reporter: () => Promise<Reporter>;
  /** Says on stdout what stands below the table of an evaluation; plot: and draws accuracy by shots. */
  readonly showEvaluation: (
    record: EvalRecord,
    options: {
      readonly plot: boolean;
      readonly files: Readonly<Record<string, string>>;
      readonly source: readonly string[]; // where the tasks are and how they are asked, as flags
      readonly cached: number; // requests whose answers were kept from before
    },
  ) => Promise<void>;
  /** stdout is a terminal. */
  readonly isTty: boolean;
  /** Columns of stdout, 80 where it has none. */
  readonly columns: number;
  /** Escape sequences for colours may be written to stdout. */
  readonly color: boolean;
  /** The variables whose names start with GPT_, e.g. GPT_THREADS, GPT_ISA. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Arguments as typed, without node and script. */
  readonly argv: readonly string[];
  /** Standard input. */
  readonly stdin: StandardInput;
  /** How the user calls us, for commands that are suggested: "gpt", or "node bin/gpt.js" from a clone. */
  readonly program: string;
  /** Version of gpt. */
  readonly version: string;
  /** Stops a run, saved, instead of the process's signals: a program that calls gpt handles those itself (src/api). */
  readonly signal?: AbortSignal;
}

/** A command: resolves to its exit code (0, 129, 130, 143), throws GptError for what a user can cause. */
export type Run<Options> = (options: Options, context: CommandContext) => Promise<number>;

/** All commands with their options. */
export interface CommandOptions {
  readonly pretrain: PretrainOptions;
  readonly finetune: FinetuneOptions;
  readonly predict: PredictOptions;
  readonly generate: GenerateOptions;
  readonly eval: EvalOptions;
  readonly tasks: TasksOptions;
  readonly bench: BenchOptions;
  readonly plan: PlanOptions;
  readonly config: ConfigOptions;
  readonly completion: CompletionOptions;
  readonly doctor: DoctorOptions;
  readonly report: ReportOptions;
  readonly watch: WatchOptions;
  readonly parity: ParityOptions;
  readonly selftest: SelftestOptions;
  readonly tokenizer: TokenizerOptions;
  readonly import: ImportOptions;
  readonly export: ExportOptions;
  readonly get: GetOptions;
  readonly data: DataOptions;
}
