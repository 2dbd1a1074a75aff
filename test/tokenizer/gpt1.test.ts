// GPT-1's tokenizer against ftfy, spaCy and Hugging Face's tokenizers (reference/make.py), on a vocabulary of the real one's
// form.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { DataError } from '../../src/base/errors.js';
import { promptIds } from '../../src/generate/prompt.js';
import { englishTokens } from '../../src/tokenizer/english.js';
import { cleanedAsOpenAi } from '../../src/tokenizer/gpt1_words.js';
import { hfTokenizerFiles } from '../../src/tokenizer/hf_files.js';
import { hfTaskTokenizerFiles } from '../../src/tokenizer/hf_task_files.js';
import { createTokenizer, loadTokenizer, parseTokenizer } from '../../src/tokenizer/load.js';
import { oddStrings } from './odd_strings.js';

const reference = (name: string): string => fileURLToPath(new URL(`reference/${name}`, import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(reference(name), 'utf8'));

const dir = mkdtempSync(join(tmpdir(), 'gpt-gpt1-'));
afterAll(() => rmSync(dir, { recursive: true }));

const { texts, cleaned, openai, hf, decoded } = read('gpt1.json') as {
  texts: string[];
  cleaned: string[];
  openai: number[][];
  hf: number[][];
  decoded: string[];
};
const own = await loadTokenizer(reference('gpt1'));

/** The tokenizer.json of openai-gpt: what ours writes, without the key that is gpt's. */
const plain = (): string => own.toJson().replace(',"cleaning":"openai"', '');

describe("OpenAI's files", () => {
  test('clean texts as ftfy and text_standardize do', () => {
    expect(texts.map(cleanedAsOpenAi)).toEqual(cleaned);
  });

  test('give the ids of the reference', () => {
    expect(texts.map((text) => [...own.encode(text)])).toEqual(openai);
  });

  test('have <unk> for end-of-text, and line ends of their own', () => {
    const newline = own.vocabSize - 1;
    expect([own.type, own.eot, own.decode([own.eot])]).toEqual(['gpt1-bpe', 0, '<unk>']);
    expect([...own.encode('the\n\n the')]).toEqual([...own.encode('the'), newline, ...own.encode('the')]);
    expect([...own.encode('漢')]).toEqual([0]);
    expect(own.decode([0, 999, newline])).toBe('<unk>\ufffd\n');
  });

  test('are loaded by the type of a configuration', async () => {
    const t = await createTokenizer({ type: 'gpt1-bpe', path: reference('gpt1') }, () => {
      throw new Error('the corpus was read');
    });
    expect(t.fingerprint).toBe(own.fingerprint);
  });

  test('come back from a checkpoint', async () => {
    writeFileSync(join(dir, 'tokenizer.json'), own.toJson());
    const back = await loadTokenizer(dir);
    expect([back.type, back.fingerprint, back.eot]).toEqual([own.type, own.fingerprint, own.eot]);
    for (const text of [...texts, ...oddStrings(300, 3)]) expect(back.encode(text)).toEqual(own.encode(text));
    expect(back.toJson()).toBe(own.toJson());
  });

  test.each<[string, (vocab: Record<string, number>, merges: string[]) => void, RegExp]>([
    ['no <unk>', (vocab) => delete vocab['<unk>'], /encoder_bpe_40000\.json: it has no <unk> with the id 0/],
    ['an id twice', (vocab) => Object.assign(vocab, { zz: 1 }), /encoder_bpe_40000\.json: id 1 belongs to two tokens/],
    ['no version', (_, merges) => merges.shift(), /vocab_40000\.bpe: its first line is not #version/],
    [
      'a stray merge',
      (_, merges) => merges.splice(3, 0, 'zz q'),
      /vocab_40000\.bpe: merges\[2\] "zz q" names "zz", a token/,
    ],
    ['an empty line', (_, merges) => merges.splice(3, 0, ''), /vocab_40000\.bpe: merges\[2\] "" is not two tokens/],
  ])('refuses %s', async (_, change, message) => {
    const folder = mkdtempSync(join(dir, 'bad-'));
    cpSync(reference('gpt1'), folder, { recursive: true });
    const vocab = JSON.parse(readFileSync(join(folder, 'encoder_bpe_40000.json'), 'utf8'));
    const merges = readFileSync(join(folder, 'vocab_40000.bpe'), 'utf8').split('\n');
    change(vocab, merges);
    writeFileSync(join(folder, 'encoder_bpe_40000.json'), JSON.stringify(vocab));
    writeFileSync(join(folder, 'vocab_40000.bpe'), merges.join('\n'));
    await expect(loadTokenizer(folder)).rejects.toThrow(message);
    await expect(loadTokenizer(folder)).rejects.toThrow(DataError);
    rmSync(join(folder, 'vocab_40000.bpe'));
    await expect(loadTokenizer(folder)).rejects.toThrow(DataError);
  });
});

describe("openai-gpt's tokenizer.json", () => {
  test("gives the ids and the texts of Hugging Face's tokenizers", () => {
    const t = parseTokenizer(plain(), 'tokenizer.json');
    expect(texts.map((text) => [...t.encode(text)])).toEqual(hf);
    expect(hf.map((ids) => t.decode(ids))).toEqual(decoded);
    expect(t.fingerprint).not.toBe(own.fingerprint);
    expect(parseTokenizer(t.toJson(), 'x').fingerprint).toBe(t.fingerprint);
  });

  // biome-ignore lint/suspicious/noExplicitAny: the patches reach into JSON
  test.each<[string, (json: any) => void, RegExp]>([
    ['no unk_token', (j) => delete j.model.unk_token, /it has no unk_token/],
    ['joined unknowns', (j) => Object.assign(j.model, { fuse_unk: true }), /it has dropout, fuse_unk/],
    [
      'words by other rules',
      (j) => Object.assign(j.pre_tokenizer, { type: 'Whitespace' }),
      /not BertPreTokenizer \(Whitespace\)/,
    ],
    ['a normalizer unheard of', (j) => Object.assign(j.normalizer, { type: 'Nmt' }), /does not know \(Nmt\)/],
    ['an added token', (j) => j.added_tokens.push({ id: 1, content: '.', special: false }), /"\." is not special/],
    ['a stray merge', (j) => j.model.merges.push('zz q'), /names "zz", a token that the vocabulary lacks/],
    [
      'a merge to <unk>',
      (j) => j.model.merges.push('<un k>') && Object.assign(j.model.vocab, { '<un': 500, 'k>': 501 }),
      /makes an added token/,
    ],
  ])('refuses %s', (_, patch, message) => {
    const json = JSON.parse(plain());
    patch(json);
    expect(() => parseTokenizer(JSON.stringify(json), 'x.json')).toThrow(message);
    expect(() => parseTokenizer(JSON.stringify(json), 'x.json')).toThrow(DataError);
  });
});

describe('streaming', () => {
  test('gives what decode() gives, and the space after a prompt', () => {
    const ids = [...own.encode("The owl said: I don't know.\nMr. Fox")];
    const stream = own.streamDecoder();
    expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(own.decode(ids));
    expect(own.decode(ids)).toBe("the owl said : i do n't know . \n mr. fox");
    const prompt = own.encode('the owl');
    expect(own.streamDecoder(prompt.at(-1)).push(own.encode('fell')[0]!)).toMatch(/^ f/);
    expect(own.streamDecoder(own.eot).push(own.encode('fell')[0]!)).toMatch(/^f/);
  });
});

test('a prompt without tokens begins at <unk>', () => {
  expect(promptIds(own, ' \n', 8)).toEqual([0]);
  expect(promptIds(own, 'the', 8)).toEqual([...own.encode('the')]);
});

describe('files for transformers', () => {
  test('name its class, and come with the original two', () => {
    const files = hfTokenizerFiles(own, 512);
    expect([...files.keys()]).toEqual(['tokenizer.json', 'tokenizer_config.json', 'vocab.json', 'merges.txt']);
    expect(JSON.parse(files.get('tokenizer_config.json')!)).toEqual({
      clean_up_tokenization_spaces: false,
      model_max_length: 512,
      tokenizer_class: 'OpenAIGPTTokenizer',
      unk_token: '<unk>',
    });
    expect(files.get('merges.txt')).toBe(readFileSync(reference('gpt1/vocab_40000.bpe'), 'utf8'));
    expect(JSON.parse(files.get('vocab.json')!)).toEqual(read('gpt1/encoder_bpe_40000.json'));
  });

  test('of a fine-tuned model keep the steps that are there', () => {
    const n = own.vocabSize;
    const files = hfTaskTokenizerFiles(own, { ids: [n, n + 1, n + 2], n_ctx: 512, lowerCase: true });
    const json = JSON.parse(files.get('tokenizer.json')!);
    expect(json.normalizer.normalizers.map((step: { type: string }) => step.type)).toEqual([
      'Lowercase',
      'BertNormalizer',
    ]);
    expect(json.model.vocab['<|extract|>']).toBe(n + 2);
    expect(JSON.parse(files.get('tokenizer_config.json')!)).toMatchObject({ eos_token: '<unk>', pad_token: '<unk>' });
  });
});

// spaCy 3 joins '' behind a word again, which the spaCy of 2018 did not; addresses are not covered.
test("English tokens are spaCy's", () => {
  const { cases } = read('english.json') as { cases: [string, string[]][] };
  expect(cases.length).toBeGreaterThan(150);
  expect(cases.map(([chunk]) => [chunk, englishTokens(chunk)])).toEqual(cases);
});
