// `gpt generate CHECKPOINT --prompt TEXT`: continues text. One sample is streamed as it grows; several follow each other.
// Without a prompt, a text that is piped in is the prompt; without either, or when it is empty, a text is begun.

import { readText } from '../base/files.js';
import { count, printable } from '../base/format.js';
import { jsonText } from '../base/json.js';
import { countParameters } from '../config/arithmetic.js';
import { generate } from '../generate/engine.js';
import { openBackend } from './backend.js';
import { promptLoop } from './interactive.js';
import type { CommandContext, GenerateOptions, Run, StandardInput } from './options.js';
import { loadModel } from './run_model.js';

export const run: Run<GenerateOptions> = async (options, context) => {
  if (options.interactive) return interact(options, context);
  const prompts = await promptsOf(options, context.stdin);
  await openBackend(options, context.env);
  const { model, tokenizer, checkpoint } = await loadModel(options.checkpoint, 'best', options.precision);
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
    context.out(`${jsonText(all)}\n`);
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

async function interact(options: GenerateOptions, context: CommandContext): Promise<number> {
  const lines = context.stdin.lines();
  try {
    await openBackend(options, context.env);
    const { model, tokenizer, checkpoint } = await loadModel(options.checkpoint, 'best', options.precision);
    const { tokens, temperature, topK, topP, seed, stop } = options;
    const size = count(countParameters(checkpoint.model));
    const settings = `--tokens ${tokens} --temperature ${temperature} --top-k ${topK} --top-p ${topP} --seed ${seed}`;
    await promptLoop({
      lines,
      out: context.out,
      title: options.quiet ? '' : `${checkpoint.dir}, ${size} parameters\n${settings}\n`,
      seed,
      write: async (prompt, turnSeed, onText, signal) => {
        const sampling = { tokens, temperature, topK, topP, seed: turnSeed, stop };
        const request = { ...sampling, prompts: [prompt], n: 1, onText: (_: number, text: string) => onText(text) };
        const [result] = await generate(model, tokenizer, { ...request, signal });
        return result!;
      },
    });
    return 0;
  } finally {
    lines.close();
  }
}

async function promptsOf({ prompt, promptFile }: GenerateOptions, stdin: StandardInput): Promise<string[]> {
  const prompts: string[] = [];
  for (const text of prompt) prompts.push(text === '-' ? await stdin.text() : text);
  if (promptFile !== undefined) prompts.push(promptFile === '-' ? await stdin.text() : readText(promptFile));
  if (prompts.length === 0) prompts.push(stdin.isPiped ? await stdin.text() : '');
  return prompts;
}
