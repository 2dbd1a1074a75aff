// What a task asks a model, and what the model answers. A task makes requests of its documents, an Answerer answers them
// in any order and batching, and the task reads the answers again: neither knows how the other works.
//
// Texts are joined before they are tokenised, so that a token may not cross from context to continuation unnoticed:
// answer/pairs.ts has the rule.

/** ln p(continuation | context). */
export interface LoglikelihoodRequest {
  readonly kind: 'loglikelihood';
  readonly context: string;
  readonly continuation: string;
}

/** ln p of a whole text, in windows of n_ctx tokens, each token once: perplexity.ts. */
export interface RollingRequest {
  readonly kind: 'rolling';
  readonly text: string;
}

/** Text that goes on from a context. */
export interface GenerateRequest {
  readonly kind: 'generate';
  readonly context: string;
  /** The answer ends before the first of these; end-of-text always ends it. */
  readonly until: readonly string[];
  readonly max_gen_toks: number;
  /** 0: always the likeliest token. */
  readonly temperature: number;
}

export type Request = LoglikelihoodRequest | RollingRequest | GenerateRequest;

/** `truncated`: tokens of the context that were cut off from the left, because the model's n_ctx is too short. */
export interface LoglikelihoodAnswer {
  readonly logprob: number; //      nats, summed over the continuation's tokens
  readonly greedy: boolean; //      each of its tokens was the likeliest one
  readonly tokens: number; //       of the continuation
  readonly truncated: number;
}

export interface RollingAnswer {
  readonly logprob: number;
  readonly tokens: number;
  readonly truncated: 0;
}

export interface GeneratedAnswer {
  readonly text: string;
  readonly truncated: number;
}

export type Answer = LoglikelihoodAnswer | RollingAnswer | GeneratedAnswer;

/** Answers to requests of every kind. */
export interface Answerer {
  /** In the order of the requests, whatever order they were worked on. `onAnswer` follows the work. */
  answer(requests: readonly Request[], options?: AnswerOptions): Promise<Answer[]>;
  /** Tokens of a text that stands alone. */
  countTokens(text: string): number;
  readonly n_ctx: number;
}

export interface AnswerOptions {
  /** Each answer as soon as it is there. */
  readonly onAnswer?: ((index: number, answer: Answer) => void) | undefined;
  /** Requests answered so far, of all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
  /** Ends the work between two batches with an AbortError; answers so far are in the cache, if there is one. */
  readonly signal?: AbortSignal | undefined;
}

// ---- documents with their answers, as metrics read them

/** A row of a data set: column names to values. */
export type Doc = Readonly<Record<string, unknown>>;

/** A document, what it was asked, and what the model said. requests[i] was answered by answers[i]. */
export interface AnsweredDoc {
  /** Place among the documents that are evaluated, from 0. */
  readonly id: number;
  readonly doc: Doc;
  /** doc_to_target's value: index of a choice, text, or a list of either. */
  readonly target: unknown;
  /** The choices, delimiter excluded; null where the task has none. */
  readonly choices: readonly string[] | null;
  /** Where each choice is a context of its own (doc_to_text is an index): the index of the right one; else null. */
  readonly rightInput: number | null;
  readonly requests: readonly Request[];
  readonly answers: readonly Answer[];
}
