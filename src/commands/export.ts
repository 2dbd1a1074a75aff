// `gpt export CHECKPOINT --format hf|llmc --out PATH`: a model for other programs, without the trainer's state.
//
//   hf     a folder for transformers, vLLM and whatever else reads one: config.json, safetensors, tokenizer
//   llmc   one .bin for llm.c: version 3 (float32) or, with --dtype bf16, version 5

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError } from '../base/errors.js';
import { outputPath, readText } from '../base/files.js';
import { jsonText } from '../base/json.js';
import { hfDifferences, type WeightDtype } from '../checkpoint/hf.js';
import { writeHfFolder } from '../checkpoint/hf_folder.js';
import { writeLlmc } from '../checkpoint/llmc.js';
import { type Checkpoint, loadCheckpoint } from '../checkpoint/store.js';
import { countParameters } from '../config/arithmetic.js';
import { hfTokenizerFiles } from '../tokenizer/hf_files.js';
import { parseTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { modelLine } from './model_line.js';
import type { ExportOptions, Run } from './options.js';
import { discardOnSignals } from './stop.js';

export const run: Run<ExportOptions> = async (options, context) => {
  const { format, dtype } = options;
  const out = outputPath(options.out);
  const checkpoint = loadCheckpoint(options.checkpoint, 'best');
  try {
    const { model } = checkpoint;
    const notes = format === 'hf' ? await toHf(checkpoint, out, dtype) : await toLlmc(checkpoint, out, dtype);
    const parameters = countParameters(model);
    if (options.json) {
      context.out(`${jsonText({ checkpoint: checkpoint.dir, format, dtype, out, parameters, notes })}\n`);
    } else if (!options.quiet) {
      context.out(`read   ${checkpoint.dir}\n       ${modelLine(model)}\n`);
      for (const note of notes) context.out(`note   ${note}\n`);
      context.out(`wrote  ${out}\n`);
    }
    return 0;
  } finally {
    checkpoint.close();
  }
};

const HF_DTYPES: Record<ExportOptions['dtype'], WeightDtype> = { f32: 'float32', bf16: 'bfloat16', f16: 'float16' };

async function toHf(checkpoint: Checkpoint, out: string, dtype: ExportOptions['dtype']): Promise<string[]> {
  const { files, tokenizer, notes } = tokenizerOf(checkpoint);
  const eot = checkpoint.eot ?? tokenizer?.eot ?? null;
  await discardOnSignals(out, () =>
    writeHfFolder(out, { ...checkpoint, eot }, { dtype: HF_DTYPES[dtype], tokenizerFiles: files }),
  );
  return [...hfDifferences(checkpoint.model).map((what) => `transformers ignores a key: ${what}`), ...notes];
}

async function toLlmc(checkpoint: Checkpoint, out: string, dtype: ExportOptions['dtype']): Promise<string[]> {
  if (dtype === 'f16') throw new ConfigError('llm.c has no float16 files', 'use --dtype f32 or bf16');
  await discardOnSignals(out, () => writeLlmc(out, checkpoint, dtype === 'f32' ? 'F32' : 'BF16'));
  return ['the file has no tokenizer: llm.c takes gpt2_tokenizer.bin for text'];
}

const TOKENIZER_FILES = [
  ...['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'],
  ...['vocab.json', 'merges.txt'],
];

interface TokenizerOfFolder {
  /** null: one that gpt cannot read. */
  readonly tokenizer: Tokenizer | null;
  readonly files: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/** The tokenizer's files of a folder as they are, and those that transformers wants beside them where they are missing. */
function tokenizerOf({ dir, model }: Checkpoint): TokenizerOfFolder {
  const files = new Map(
    TOKENIZER_FILES.filter((name) => existsSync(join(dir, name))).map((name) => [name, readText(join(dir, name))]),
  );
  const json = files.get('tokenizer.json');
  if (json === undefined) return { tokenizer: null, files, notes: [`${dir} has no tokenizer.json`] };
  try {
    const tokenizer = parseTokenizer(json, join(dir, 'tokenizer.json'));
    return { tokenizer, files: new Map([...hfTokenizerFiles(tokenizer, model.n_ctx), ...files]), notes: [] };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { tokenizer: null, files, notes: [`the tokenizer was copied unread: ${error.message}`] };
  }
}
