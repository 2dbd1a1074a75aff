import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';
import { CharTokenizer } from '../../src/tokenizer/char.js';
import { hfTaskTokenizerFiles, type TaskTokenIds } from '../../src/tokenizer/hf_task_files.js';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';

const stories = await loadTokenizer(fileURLToPath(new URL('../../data/stories/tokenizer.json', import.meta.url)));

interface Piece {
  Sequence?: { id: 'A' | 'B'; type_id: number };
  SpecialToken?: { id: string; type_id: number };
}
interface Template {
  type: string;
  single: Piece[];
  pair: Piece[];
  special_tokens: Record<string, { id: string; ids: number[]; tokens: string[] }>;
}
interface File {
  added_tokens: { id: number; content: string; special: boolean; normalized: boolean }[];
  normalizer: object | null;
  post_processor: Template & { processors: [object, Template] };
  model: { vocab: Record<string, number>; merges: string[] };
}
const parse = (files: Map<string, string>) => ({
  json: JSON.parse(files.get('tokenizer.json')!) as File,
  config: JSON.parse(files.get('tokenizer_config.json')!) as Record<string, unknown>,
});

/** What `tokenizers` does with a template: pieces of the texts and ids of the special tokens, in order. */
const applied = (template: Template, tokenizer: Tokenizer, texts: { A: string; B?: string }): number[] =>
  (texts.B === undefined ? template.single : template.pair).flatMap(({ Sequence, SpecialToken }) =>
    SpecialToken ? template.special_tokens[SpecialToken.id]!.ids : [...tokenizer.encode(texts[Sequence!.id]!)],
  );

// Of the classes in tokenizers/src/processors/template.rs, written out.
const TEMPLATE = {
  type: 'TemplateProcessing',
  single: [
    { SpecialToken: { id: '<|start|>', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: '<|extract|>', type_id: 0 } },
  ],
  pair: [
    { SpecialToken: { id: '<|start|>', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: '<|delimiter|>', type_id: 0 } },
    { Sequence: { id: 'B', type_id: 0 } },
    { SpecialToken: { id: '<|extract|>', type_id: 0 } },
  ],
  special_tokens: {
    '<|start|>': { id: '<|start|>', ids: [2048], tokens: ['<|start|>'] },
    '<|delimiter|>': { id: '<|delimiter|>', ids: [2049], tokens: ['<|delimiter|>'] },
    '<|extract|>': { id: '<|extract|>', ids: [2050], tokens: ['<|extract|>'] },
  },
};

describe("a fine-tuned model's tokenizer for transformers", () => {
  const ids: TaskTokenIds = [2048, 2049, 2050];
  const { json, config } = parse(hfTaskTokenizerFiles(stories, { ids, n_ctx: 192 }));

  test('byte-level BPE: the template after the step that sets offsets', () => {
    const before = (JSON.parse(stories.toJson()) as File).post_processor;
    expect(json.post_processor).toEqual({ type: 'Sequence', processors: [before, TEMPLATE] });
    expect(json.normalizer).toBeNull();
  });

  test('three special tokens follow the vocabulary, and are in it, so that no other ids can be given to them', () => {
    expect(json.added_tokens.map(({ id, content, special, normalized }) => [id, content, special, normalized])).toEqual(
      [
        [stories.eot, '<|endoftext|>', true, false],
        [2048, '<|start|>', true, false],
        [2049, '<|delimiter|>', true, false],
        [2050, '<|extract|>', true, false],
      ],
    );
    const { vocab } = json.model;
    expect(Object.keys(vocab).length).toBe(2051);
    expect([vocab['<|start|>'], vocab['<|delimiter|>'], vocab['<|extract|>']]).toEqual([2048, 2049, 2050]);
    const { merges } = (JSON.parse(stories.toJson()) as File).model;
    expect(json.model.merges).toEqual(merges);
  });

  test('the ids of a text and of a pair are those of the transform', () => {
    const [, template] = json.post_processor.processors;
    const [a, b] = ['Rosie found the red kite.', 'The kite was red.'];
    expect(applied(template, stories, { A: a })).toEqual([2048, ...stories.encode(a), 2050]);
    expect(applied(template, stories, { A: a, B: b })).toEqual([
      2048,
      ...stories.encode(a),
      2049,
      ...stories.encode(b),
      2050,
    ]);
  });

  test('tokenizer_config.json: the class that takes the file as it is, no token types, padding that ends no sequence', () => {
    expect(config).toEqual({
      bos_token: '<|start|>',
      clean_up_tokenization_spaces: false,
      cls_token: '<|extract|>',
      eos_token: '<|endoftext|>',
      model_input_names: ['input_ids', 'attention_mask'],
      model_max_length: 192,
      pad_token: '<|endoftext|>',
      padding_side: 'right',
      sep_token: '<|delimiter|>',
      split_special_tokens: true,
      tokenizer_class: 'PreTrainedTokenizerFast',
    });
    expect(json.model.vocab[config['pad_token'] as string]).not.toBe(ids[2]);
  });

  test('lower case is a normalizer', () => {
    const lower = parse(hfTaskTokenizerFiles(stories, { ids, n_ctx: 192, lowerCase: true }));
    expect(lower.json.normalizer).toEqual({ type: 'Lowercase' });
    expect(lower.json.post_processor).toEqual(json.post_processor);
  });
});

test.each([
  ['bytes', new ByteTokenizer(), [257, 258, 259]],
  ['characters', new CharTokenizer([...'ab c'].map((c) => c.codePointAt(0)!)), [5, 6, 7]],
] as const)('%s: the template alone', (_, tokenizer, ids) => {
  const { json } = parse(hfTaskTokenizerFiles(tokenizer, { ids, n_ctx: 64 }));
  expect(json.post_processor.type).toBe('TemplateProcessing');
  expect(applied(json.post_processor, tokenizer, { A: 'ab', B: 'c' })).toEqual([
    ids[0],
    ...tokenizer.encode('ab'),
    ids[1],
    ...tokenizer.encode('c'),
    ids[2],
  ]);
});

test('a vocabulary with rows to spare: the tokens come after them', () => {
  const { json } = parse(hfTaskTokenizerFiles(new ByteTokenizer(), { ids: [320, 321, 322], n_ctx: 64 }));
  expect(json.model.vocab['<|extract|>']).toBe(322);
});

test.each([
  [[256, 257, 258], '<|start|> as token 256: that is "<|endoftext|>"'],
  [[97, 98, 99], '<|start|> as token 97: that is "a"'],
] as const)('ids that are taken: %j', (ids, message) => {
  const write = () => hfTaskTokenizerFiles(new ByteTokenizer(), { ids, n_ctx: 64 });
  expect(write).toThrow(DataError);
  expect(write).toThrow(`the tokenizer cannot have ${message}`);
});

test('a vocabulary that has the token elsewhere', () => {
  const own = JSON.parse(new ByteTokenizer().toJson()) as { model: { vocab: Record<string, number> } };
  own.model.vocab['<|start|>'] = 300;
  const tokenizer = Object.assign(Object.create(new ByteTokenizer()) as Tokenizer, {
    toJson: () => JSON.stringify(own),
  });
  expect(() => hfTaskTokenizerFiles(tokenizer, { ids: [257, 258, 259], n_ctx: 64 })).toThrow(
    'the tokenizer cannot have <|start|> as token 257: it is 300',
  );
});
