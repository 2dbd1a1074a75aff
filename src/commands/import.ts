// `gpt import SOURCE OUT`: a model of another program becomes a checkpoint folder (a Hugging Face folder), which every other
// command opens. It reports every tensor of the source: used, ignored and why; missed and unknown ones are errors.
//
// A Hugging Face folder brings its tokenizer along. The files of llm.c and nanoGPT hold none: GPT-2's is taken for a
// vocabulary of its size (or of 50,304: nanoGPT pads it); for any other size --tokenizer says which, or the folder has
// none. Rows of padding are cut off: no text has their ids.

import { statSync } from 'node:fs';
import { ConfigError, DataError } from '../base/errors.js';
import { outputPath, refuseExisting } from '../base/files.js';
import { integer } from '../base/format.js';
import { jsonText } from '../base/json.js';
import type { ForeignModel } from '../checkpoint/foreign.js';
import { writeHfFolder } from '../checkpoint/hf_folder.js';
import { openForeign } from '../checkpoint/open_foreign.js';
import { reportLine } from '../checkpoint/tensor_report.js';
import { countParameters } from '../config/arithmetic.js';
import { parameterShapes } from '../config/parameters.js';
import { hfTokenizerFiles } from '../tokenizer/hf_files.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { tokenizerOfFolder } from './folder_tokenizer.js';
import { modelLine } from './model_line.js';
import type { ImportOptions, Run } from './options.js';
import { discardOnSignals } from './stop.js';
import { tensorTable } from './tensor_table.js';
import { namedTokenizer } from './tokenizer.js';

export const run: Run<ImportOptions> = async (options, context) => {
  const { source } = options;
  const out = outputPath(options.out);
  refuseExisting(out);
  const foreign = openForeign(source, options.activation);
  try {
    const { model, tensors, notes, tokenizerFiles, eot } = await withTokenizer(foreign, options);
    await discardOnSignals(out, () =>
      writeHfFolder(out, { model, tensors, eot }, { dtype: 'float32', tokenizerFiles }),
    );
    const parameters = countParameters(model);
    const { format, report } = foreign;
    if (options.json) {
      const all = { ...report, missed: [], unknown: [] };
      context.out(`${jsonText({ source, format, out, parameters, model, notes, tensors: all })}\n`);
    } else if (!options.quiet) {
      context.out(`read   ${source} (${format})\n       ${modelLine(model)}\n       ${reportLine(report)}\n`);
      if (options.tensors) context.out(tensorTable(report, '       '));
      for (const note of notes) context.out(`note   ${note}\n`);
      context.out(`wrote  ${out}\n`);
      if (tokenizerFiles.has('tokenizer.json'))
        context.out(`try    ${context.program} generate ${out} --prompt "Once upon a time"\n`);
    }
    return 0;
  } finally {
    foreign.close();
  }
};

interface Imported extends Pick<ForeignModel, 'model' | 'tensors' | 'notes' | 'eot'> {
  readonly tokenizerFiles: ReadonlyMap<string, string>;
}

async function withTokenizer(foreign: ForeignModel, { source, tokenizer: name }: ImportOptions): Promise<Imported> {
  const { model } = foreign;
  const own = name === undefined && statSync(source).isDirectory() ? tokenizerOfFolder(source, model.n_ctx) : undefined;
  if (own !== undefined && own.files.size > 0) {
    const eot = foreign.eot ?? own.tokenizer?.eot ?? null;
    return { ...foreign, eot, notes: [...foreign.notes, ...own.notes], tokenizerFiles: own.files };
  }
  const tokenizer = await chooseTokenizer(name, model.vocab_size);
  if (tokenizer === undefined) {
    const note = `a vocabulary of ${integer(model.vocab_size)} is not GPT-2's, so the folder has no tokenizer; text needs one: --tokenizer FILE`;
    return { ...foreign, notes: [...foreign.notes, note], tokenizerFiles: new Map() };
  }
  requireFit(source, model.vocab_size, tokenizer);
  const cut = withoutPadding(foreign, tokenizer.vocabSize);
  return { ...cut, eot: tokenizer.eot, tokenizerFiles: hfTokenizerFiles(tokenizer, model.n_ctx) };
}

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

function requireFit(source: string, vocab: number, { vocabSize }: Tokenizer): void {
  if (vocab >= vocabSize && vocab <= vocabSize + MAX_PADDING) return;
  throw new DataError(
    `${source}: the model's vocabulary of ${vocab} is ${vocab < vocabSize ? 'smaller' : 'larger'} than the tokenizer's ${vocabSize} tokens`,
    'give the tokenizer that the model was trained with: --tokenizer FILE',
  );
}

/** The model with as many rows in its embedding as the tokenizer has tokens. */
function withoutPadding(
  { model, tensors, notes }: ForeignModel,
  vocabSize: number,
): Pick<Imported, 'model' | 'tensors' | 'notes'> {
  const { vocab_size, n_embd } = model;
  const padding = vocab_size - vocabSize;
  if (padding === 0) return { model, tensors, notes };
  const [embedding] = parameterShapes(model).keys();
  const read = tensors.get(embedding!)!;
  const note = `of ${integer(vocab_size)} rows of the embedding the last ${padding} are padding, and were cut off`;
  return {
    model: { ...model, vocab_size: vocabSize },
    tensors: new Map([...tensors, [embedding!, () => read().slice(0, vocabSize * n_embd)]]),
    notes: [...notes, note],
  };
}
