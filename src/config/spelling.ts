// Which key did the user mean? Other projects' names for our keys, then the key with the fewest differing letters.
//
// Sources of the names: nanoGPT, llm.c, Hugging Face transformers (GPT2Config, TrainingArguments), litgpt, nanochat.

import type { KeyTable } from './keys.js';

/** Other projects' spelling -> our keys, and a note where the value means something else too. */
const OTHER_NAMES: readonly [names: string, ours: string, note?: string][] = [
  [
    'block_size n_positions max_seq_len seq_len sequence_len sequence_length context_length max_position_embeddings ctx_len',
    'model.n_ctx',
  ],
  ['n_vocab num_embeddings padded_vocab_size', 'model.vocab_size'],
  ['n_layers n_blocks num_layers num_hidden_layers depth', 'model.n_layer'],
  ['n_heads num_heads num_attention_heads', 'model.n_head'],
  ['d_model n_dim dim hidden_size embed_dim embedding_size', 'model.n_embd'],
  ['d_ff d_mlp ffn_dim intermediate_size', 'model.n_inner'],
  ['act afn activation hidden_act', 'model.activation_function'],
  [
    'dropout',
    'model.resid_pdrop model.embd_pdrop model.attn_pdrop',
    'three values in the papers: set all to the same one',
  ],
  ['layer_norm_eps norm_eps ln_eps', 'model.layer_norm_epsilon'],
  ['init_std init_range', 'model.initializer_range'],
  ['model_type architecture', 'model.arch'],
  ['attention_types attn_pattern', 'model.attention_layers'],
  ['window attn_band bandwidth sliding_window', 'model.window_size'],
  ['dataset data_dir train_data input', 'data.path'],
  ['val_data', 'data.val_path'],
  ['max_iters num_iterations num_steps total_steps n_steps', 'train.max_steps'],
  ['epochs num_epochs num_train_epochs', 'train.max_epochs'],
  ['batch_size', 'train.micro_batch train.batch_tokens', 'sequences per forward pass, and tokens per update'],
  ['device_batch_size micro_batch_size per_device_train_batch_size', 'train.micro_batch'],
  ['total_batch_size global_batch_size', 'train.batch_tokens', 'in tokens'],
  [
    'gradient_accumulation_steps gradient_accumulation grad_accum_steps accumulation_steps',
    'train.batch_tokens',
    'the accumulation is batch_tokens / (n_ctx * micro_batch)',
  ],
  ['lr max_lr peak_lr', 'train.learning_rate'],
  ['min_lr', 'train.min_lr_ratio', 'a ratio: min_lr / learning_rate'],
  ['beta1 beta2 b1 b2 adam_beta1 adam_beta2', 'train.betas', 'a list of both'],
  ['epsilon adam_epsilon adam_eps', 'train.eps'],
  ['wd l2 decay', 'train.weight_decay'],
  ['max_grad_norm clip_grad gradient_clip clip', 'train.grad_clip'],
  ['warmup_iters warmup', 'train.warmup_steps'],
  ['lr_decay_iters decay_steps', 'train.lr_decay_steps'],
  ['decay_lr lr_scheduler lr_scheduler_type schedule', 'train.lr_schedule'],
  ['eval_interval eval_steps', 'train.eval_every', 'in updates'],
  ['eval_iters', 'train.eval_tokens', 'in tokens'],
  ['save_interval save_steps checkpoint_every ckpt_interval', 'train.save_every', 'in updates'],
  ['save_total_limit', 'train.keep'],
  ['log_interval logging_steps', 'train.log_every', 'in updates'],
  ['max_new_tokens', 'sample.tokens'],
];

const plain = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, '');

const OURS = new Map(
  OTHER_NAMES.flatMap(([names, ours, note]) => names.split(' ').map((n) => [plain(n), { ours, note }])),
);

/** The candidate nearest to `word` by edit distance, or undefined when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const c of candidates) {
    if (Math.abs(plain(word).length - plain(c).length) >= bestDistance) continue; // so many letters differ at least
    const d = editDistance(plain(word), plain(c));
    if (d < bestDistance) {
      best = c;
      bestDistance = d;
    }
  }
  return best;
}

/** One clause on what an unknown key may have meant: "our name for it is model.n_ctx", "did you mean ...?". */
export function keyHint(path: string, { sections, keys: all }: KeyTable): string | undefined {
  const dot = path.lastIndexOf('.');
  const section = path.slice(0, Math.max(dot, 0));
  const name = path.slice(dot + 1);
  const known = OURS.get(plain(name));
  if (known?.ours.split(' ').every((key) => all.has(key))) {
    const keys = known.ours.split(' ').join(', ');
    const note = known.note ? ` (${known.note})` : '';
    return `${known.ours.includes(' ') ? 'our names for it are' : 'our name for it is'} ${keys}${note}`;
  }
  const nearSection = nearest(section || name, sections);
  if (section === '' && nearSection) return `did you mean the section ${nearSection}?`;
  const own = [...all.values()].filter((k) => k.section === section);
  for (const keys of [own, [...all.values()]]) {
    const near = nearest(
      name,
      keys.map((k) => k.name),
    );
    const found = keys.find((k) => k.name === near);
    if (found) return `did you mean ${found.path}?`;
  }
  return undefined;
}

/** Edits that turn a into b: insert, delete, replace a letter, swap two neighbours. */
function editDistance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i || j));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const replaced = d[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      d[i]![j] = Math.min(replaced, d[i - 1]![j]! + 1, d[i]![j - 1]! + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) d[i]![j] = Math.min(d[i]![j]!, d[i - 2]![j - 2]! + 1);
    }
  }
  return d[a.length]![b.length]!;
}
