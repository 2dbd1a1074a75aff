// `gpt export CHECKPOINT --format hf|llmc|nanogpt|peft --out PATH`: a model for other programs, without the trainer's state.
//
//   hf        a folder for transformers, vLLM and whatever else reads one: config.json, safetensors, tokenizer. Of a model
//             that was fine-tuned for one head over one sequence, the classifier; of any other, the language model alone
//   llmc      one .bin for llm.c: version 3 (float32) or, with --dtype bf16, version 5
//   nanogpt   a ckpt.pt that torch.load and nanoGPT's --init_from=resume open
//   peft      the LoRA adapters: export_peft.ts. --merge puts them into the weights, for the other formats

import { ConfigError } from '../base/errors.js';
import { outputPath } from '../base/files.js';
import { integer, quoted } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { hfDifferences, type WeightDtype } from '../checkpoint/hf.js';
import { lastNormBias, notASequenceClassifier, writeClassifierFolder } from '../checkpoint/hf_classifier.js';
import { writeHfFolder } from '../checkpoint/hf_folder.js';
import { writeLlmc } from '../checkpoint/llmc.js';
import { mergeLora } from '../checkpoint/merge.js';
import { nanoGptDifferences, writeNanoGpt } from '../checkpoint/nanogpt_write.js';
import { type Checkpoint, loadCheckpoint } from '../checkpoint/store.js';
import type { TaskFile } from '../checkpoint/task_file.js';
import { countParameters } from '../config/arithmetic.js';
import { parameterShapes } from '../config/parameters.js';
import { SPECIAL_TOKENS } from '../data/task_inputs.js';
import { toPeft } from './export_peft.js';
import { headOf, taskTokenizer } from './export_task.js';
import { tokenizerOfFolder } from './folder_tokenizer.js';
import { modelLine } from './model_line.js';
import type { ExportOptions, Run } from './options.js';
import { discardOnSignals } from './stop.js';

export const run: Run<ExportOptions> = async (options, context) => {
  const { format, dtype, merge } = options;
  const out = outputPath(options.out);
  requireConsistent(options);
  const checkpoint = loadCheckpoint(options.checkpoint, 'best');
  try {
    requireAdapters(checkpoint, options);
    const { model } = checkpoint;
    const whole = merge
      ? { ...checkpoint, tensors: mergeLora(model, checkpoint.tensors, checkpoint.adapter!) }
      : checkpoint;
    const notes =
      format === 'peft'
        ? await toPeft(checkpoint, out, options.base)
        : format === 'hf'
          ? await toHf(whole, out, dtype)
          : format === 'llmc'
            ? await toLlmc(whole, out, dtype)
            : await toNanoGpt(whole, out);
    const parameters = countParameters(model);
    if (options.json) {
      context.out(`${jsonText({ checkpoint: checkpoint.dir, format, dtype, merge, out, parameters, notes })}\n`);
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

function requireConsistent({ format, dtype, merge, base }: ExportOptions): void {
  if (format === 'peft' && merge) {
    throw new ConfigError('--merge leaves no adapters for --format peft', 'leave out one of the two');
  }
  if ((format === 'peft' || format === 'nanogpt') && dtype !== 'f32') {
    throw new ConfigError(`--format ${format} writes float32, not ${dtype}`, 'leave out --dtype');
  }
  if (format !== 'peft' && base !== undefined) {
    throw new ConfigError('--base names the base model of --format peft', 'add --format peft, or leave it out');
  }
}

function requireAdapters({ dir, adapter }: Checkpoint, { format, merge }: ExportOptions): void {
  if (adapter === null && (merge || format === 'peft')) {
    const option = merge ? '--merge' : '--format peft';
    throw new ConfigError(`${dir} has no LoRA adapters for ${option}`, 'leave it out: the weights are all there is');
  }
  if (adapter !== null && !merge && format !== 'peft') {
    throw new ConfigError(
      `${dir} has LoRA adapters beside its weights, and --format ${format} holds weights alone`,
      'add --merge to put them into the weights, or write them alone with --format peft',
    );
  }
}

const HF_DTYPES: Record<ExportOptions['dtype'], WeightDtype> = { f32: 'float32', bf16: 'bfloat16', f16: 'float16' };

async function toHf(checkpoint: Checkpoint, out: string, dtype: ExportOptions['dtype']): Promise<string[]> {
  const { model, task } = checkpoint;
  const differences = hfDifferences(model).map((what) => `transformers ignores a key: ${what}`);
  const why = task && notASequenceClassifier(task);
  if (task !== null && why === null) return [...(await toClassifier(checkpoint, task, out, dtype)), ...differences];
  const { files, tokenizer, notes } = tokenizerOfFolder(checkpoint.dir, model.n_ctx);
  const eot = checkpoint.eot ?? tokenizer?.eot ?? null;
  const language = languageModel(checkpoint);
  await discardOnSignals(out, () =>
    writeHfFolder(out, { ...language, eot }, { dtype: HF_DTYPES[dtype], tokenizerFiles: files }),
  );
  return [...(why === null ? [] : [withoutHead(why)]), ...differences, ...notes];
}

async function toClassifier(
  checkpoint: Checkpoint,
  task: TaskFile,
  out: string,
  dtype: ExportOptions['dtype'],
): Promise<string[]> {
  const { model, tensors } = checkpoint;
  const { eot, files } = await taskTokenizer(checkpoint, task);
  const options = { dtype: HF_DTYPES[dtype], tokenizerFiles: files };
  const labels = { labels: task.labels, padId: eot };
  await discardOnSignals(out, () =>
    writeClassifierFolder(out, { model, eot, tensors }, headOf(checkpoint), labels, options),
  );
  const name = model.arch === 'gpt1' ? 'OpenAIGPTForSequenceClassification' : 'GPT2ForSequenceClassification';
  return [
    `${name}, ${integer(task.labels.length)} classes: ${task.labels.map((label) => quoted(label)).join(', ')}`,
    `its head has no bias: ours is folded into ${lastNormBias(model)}, which changes the language model alone`,
  ];
}

async function toLlmc(checkpoint: Checkpoint, out: string, dtype: ExportOptions['dtype']): Promise<string[]> {
  if (dtype === 'f16') throw new ConfigError('llm.c has no float16 files', 'use --dtype f32 or bf16');
  await discardOnSignals(out, () => writeLlmc(out, languageModel(checkpoint), dtype === 'f32' ? 'F32' : 'BF16'));
  const head = checkpoint.task === null ? [] : [withoutHead('llm.c has language models only')];
  return [...head, 'the file has no tokenizer: llm.c takes gpt2_tokenizer.bin for text'];
}

async function toNanoGpt(checkpoint: Checkpoint, out: string): Promise<string[]> {
  const { step = 0, best_val_loss = null } = checkpoint.trainer?.state ?? {};
  const language = languageModel(checkpoint);
  const notes = nanoGptDifferences(language.model);
  await discardOnSignals(out, () => writeNanoGpt(out, language, { step, bestValLoss: best_val_loss }));
  return [
    ...(checkpoint.task === null ? [] : [withoutHead('nanoGPT has language models only')]),
    ...notes,
    "without Adam's moments: train.py --init_from=resume goes on with fresh ones",
    "the file has no tokenizer: nanoGPT takes GPT-2's, or data/<dataset>/meta.pkl",
  ];
}

const withoutHead = (why: string): string =>
  `${why}: this is the language model, without the head and the tokens of the task (gpt predict runs the checkpoint)`;

/** Without the rows of a task's tokens: no text has their ids, and the tokenizer does not know them. */
function languageModel({ model, tensors, task }: Checkpoint): Pick<Checkpoint, 'model' | 'tensors'> {
  if (task === null) return { model, tensors };
  const vocab_size = model.vocab_size - SPECIAL_TOKENS;
  const [embedding] = parameterShapes(model).keys();
  const rows = () => tensors.get(embedding!)!().slice(0, vocab_size * model.n_embd);
  return { model: { ...model, vocab_size }, tensors: new Map([...tensors, [embedding!, rows]]) };
}
