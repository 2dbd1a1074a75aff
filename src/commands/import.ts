// `gpt import FILE --out DIR`: a model of llm.c or nanoGPT becomes a Hugging Face folder, which every other command opens.
//
// Those files hold no tokenizer. GPT-2's is taken for a vocabulary of its size (or of 50,304: nanoGPT pads it); for any
// other size --tokenizer says which, or the folder has none. Rows of padding are cut off: no text has their ids.

import { ConfigError, DataError } from '../base/errors.js';
import { outputPath } from '../base/files.js';
import { integer } from '../base/format.js';
import { jsonText } from '../base/json.js';
import type { ForeignModel } from '../checkpoint/foreign.js';
import { writeHfFolder } from '../checkpoint/hf_folder.js';
import { openForeign } from '../checkpoint/open_foreign.js';
import { countParameters } from '../config/arithmetic.js';
import { hfTokenizerFiles } from '../tokenizer/hf_files.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { modelLine } from './model_line.js';
import type { ImportOptions, Run } from './options.js';
import { discardOnSignals } from './stop.js';
import { namedTokenizer } from './tokenizer.js';

export const run: Run<ImportOptions> = async (options, context) => {
  const { file } = options;
  const out = outputPath(options.out);
  const foreign = openForeign(file, options.activation);
  try {
    const tokenizer = await chooseTokenizer(options.tokenizer, foreign.model.vocab_size);
    const { model, tensors, notes } = tokenizer ? fitted(foreign, tokenizer, file) : withoutTokenizer(foreign);
    const tokenizerFiles = tokenizer ? hfTokenizerFiles(tokenizer, model.n_ctx) : new Map<string, string>();
    await discardOnSignals(out, () =>
      writeHfFolder(out, { model, tensors, eot: tokenizer?.eot ?? null }, { dtype: 'float32', tokenizerFiles }),
    );
    const parameters = countParameters(model);
    if (options.json) {
      context.out(`${jsonText({ file, format: foreign.format, out, parameters, model, notes })}\n`);
    } else if (!options.quiet) {
      context.out(`read   ${file} (${foreign.format})\n       ${modelLine(model)}\n`);
      for (const note of notes) context.out(`note   ${note}\n`);
      context.out(`wrote  ${out}\n`);
      if (tokenizer) context.out(`try    ${context.program} generate ${out} --prompt "Once upon a time"\n`);
    }
    return 0;
  } finally {
    foreign.close();
  }
};

const GPT2_VOCAB = 50257;
const NANOGPT_VOCAB = 50304; // GPT-2's, padded to a multiple of 64
const MAX_PADDING = 127; // to a multiple of 128

async function chooseTokenizer(name: string | undefined, vocab: number): Promise<Tokenizer | undefined> {
  const builtIn = name ?? (vocab === GPT2_VOCAB || vocab === NANOGPT_VOCAB ? 'gpt2-bpe' : undefined);
  if (builtIn === undefined) return undefined;
  if (builtIn === 'char' || builtIn === 'gpt1-bpe') {
    throw new ConfigError(
      `--tokenizer ${builtIn} does not say which vocabulary`,
      'give gpt2-bpe, byte, a tokenizer.json, or a checkpoint folder that has one',
    );
  }
  return namedTokenizer(builtIn);
}

type Imported = Pick<ForeignModel, 'model' | 'tensors' | 'notes'>;

function withoutTokenizer({ model, tensors, notes }: ForeignModel): Imported {
  const note = `a vocabulary of ${integer(model.vocab_size)} is not GPT-2's, so the folder has no tokenizer; text needs one: --tokenizer FILE`;
  return { model, tensors, notes: [...notes, note] };
}

/** The model with as many rows in its embedding as the tokenizer has tokens. Throws DataError when it is not padding. */
function fitted({ model, tensors, notes }: ForeignModel, { vocabSize }: Tokenizer, file: string): Imported {
  const { vocab_size, n_embd } = model;
  if (vocab_size === vocabSize) return { model, tensors, notes };
  if (vocab_size < vocabSize || vocab_size > vocabSize + MAX_PADDING) {
    const kind = vocab_size < vocabSize ? 'smaller' : 'larger';
    throw new DataError(
      `${file}: the model's vocabulary of ${vocab_size} is ${kind} than the tokenizer's ${vocabSize} tokens`,
      'give the tokenizer that the model was trained with: --tokenizer FILE',
    );
  }
  const wte = 'transformer.wte.weight';
  const read = tensors.get(wte)!;
  const note = `of ${integer(vocab_size)} rows of the embedding the last ${vocab_size - vocabSize} are padding, and were cut off`;
  return {
    model: { ...model, vocab_size: vocabSize },
    tensors: new Map([...tensors, [wte, () => read().slice(0, vocabSize * n_embd)]]),
    notes: [...notes, note],
  };
}
