// `gpt generate CHECKPOINT --prompt TEXT`: continues text. One sample is streamed as it grows; several follow each other.

import { readFileSync } from 'node:fs';
import { DataError } from '../base/errors.js';
import { printable } from '../base/format.js';
import { generate } from '../generate/engine.js';
import { openBackend } from './backend.js';
import type { GenerateOptions, Run } from './options.js';
import { loadModel } from './run_model.js';

export const run: Run<GenerateOptions> = async (options, context) => {
  const prompts = [...options.prompt, ...(options.promptFile === undefined ? [] : [readPrompt(options.promptFile)])];
  if (prompts.length === 0) prompts.push('');
  await openBackend(options, context.env);
  const { model, tokenizer, checkpoint } = await loadModel(options.checkpoint, 'best');
  const { n, tokens, temperature, topK, topP, seed, stop } = options;

  const stream = prompts.length * n === 1 && !options.json;
  let before = prompts[0]!; // waits for the first text, so that an error does not follow half of a result
  const show = (text: string): string => (context.isTty ? printable(text) : text);
  const onText = (_: number, text: string): void => {
    context.out(show(before + text));
    before = '';
  };
  const started = performance.now();
  const request = { prompts, n, tokens, temperature, topK, topP, seed, stop };
  const results = await generate(model, tokenizer, {
    ...request,
    ...(stream ? { onText } : {}),
  });
  const seconds = (performance.now() - started) / 1000;
  const drawn = results.reduce((sum, r) => sum + r.tokens, 0);
  if (options.json) {
    const { prompts: _, ...settings } = request;
    const all = { checkpoint: checkpoint.dir, ...settings, samples: results, tokens_per_s: drawn / seconds };
    context.out(`${JSON.stringify(all)}\n`);
  } else if (stream) {
    context.out(`${show(before)}\n`);
  } else {
    results.forEach(({ prompt, text }, i) => {
      context.out(`${i > 0 ? '\n' : ''}--- ${i + 1} of ${results.length} ---\n${show(prompt + text)}\n`);
    });
  }
  if (context.isTty && !options.quiet && !options.json) {
    context.err(`\n${drawn} tokens, ${(drawn / seconds).toFixed(0)} tokens/s, seed ${seed}\n`);
  }
  return 0;
};

function readPrompt(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DataError(
      `${file}: cannot read the prompt: ${(error as Error).message}`,
      'check the path of --prompt-file',
    );
  }
}
