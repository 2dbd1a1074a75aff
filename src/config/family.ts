// The models of the three papers: their presets, and how many tokens the papers trained them on.

import { loadConfig, presets } from './load.js';
import { type ResolvedModel, resolveModel } from './model_shape.js';
import type { ModelConfig } from './schema.js';

/** A preset of a paper. */
export interface FamilyMember {
  readonly name: string;
  readonly model: ResolvedModel;
}

/** The presets of a paper: gpt3-125m, gpt3-350m, ... for gpt3. They state their vocabulary. */
export const familyOf = (arch: ModelConfig['arch']): FamilyMember[] =>
  presets()
    .filter((name) => name === arch || name.startsWith(`${arch}-`))
    .map((name) => {
      const { model } = loadConfig({ file: name, flags: [] }).run;
      return { name, model: resolveModel(model, model.vocab_size!) };
    });

/** What a paper says about the length of its training. tokens null: it says nothing. */
export interface PaperBudget {
  readonly tokens: number | null;
  readonly what: string;
}

// Zhu et al. 2015, "Aligning Books and Movies", table 2: 984,846,357 words in 11,038 books.
const BOOKS_CORPUS_WORDS = 984_846_357;

/** Of the paper that has models of this arch. */
export const PAPER_BUDGET: Readonly<Record<ModelConfig['arch'], PaperBudget>> = {
  gpt1: {
    tokens: 100 * BOOKS_CORPUS_WORDS, // a lower limit: the paper counts neither words nor tokens
    what: "100 epochs of BooksCorpus's 985M words, a token a word",
  },
  gpt2: { tokens: null, what: 'GPT-2 publishes neither tokens nor epochs (WebText: 40 GB)' },
  gpt3: { tokens: 300e9, what: 'GPT-3, table 2.1' },
};

/** The budget of the paper that has a model of these layers and this width; null: none has. */
export const paperBudget = (model: ResolvedModel, family: readonly FamilyMember[]): PaperBudget | null =>
  family.some((member) => member.model.n_layer === model.n_layer && member.model.n_embd === model.n_embd)
    ? PAPER_BUDGET[model.arch]
    : null;
