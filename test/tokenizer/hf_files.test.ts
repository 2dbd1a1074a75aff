import { describe, expect, test } from 'vitest';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';
import { gpt2Tokenizer } from '../../src/tokenizer/gpt2.js';
import { hfTokenizerFiles } from '../../src/tokenizer/hf_files.js';
import { parseTokenizer } from '../../src/tokenizer/load.js';

describe("files for transformers' AutoTokenizer", () => {
  test('GPT-2: the class, and the two files of the original', async () => {
    const tokenizer = await gpt2Tokenizer();
    const files = hfTokenizerFiles(tokenizer, 1024);
    expect([...files.keys()]).toEqual(['tokenizer.json', 'tokenizer_config.json', 'vocab.json', 'merges.txt']);
    expect(JSON.parse(files.get('tokenizer_config.json')!)).toMatchObject({
      tokenizer_class: 'GPT2Tokenizer',
      model_max_length: 1024,
      eos_token: '<|endoftext|>',
      unk_token: '<|endoftext|>',
      add_prefix_space: false,
    });
    const vocab = JSON.parse(files.get('vocab.json')!) as Record<string, number>;
    expect(Object.keys(vocab).length).toBe(50257);
    expect([vocab['!'], vocab['Ġthe'], vocab['7'], vocab['<|endoftext|>']]).toEqual([0, 262, 22, 50256]);
    const merges = files.get('merges.txt')!.split('\n');
    expect(merges.slice(0, 3)).toEqual(['#version: 0.2', 'Ġ t', 'Ġ a']);
    expect(merges.length).toBe(50002); // the version, 50,000 merges, and the end of the last line
    expect(parseTokenizer(files.get('tokenizer.json')!, 'tokenizer.json').fingerprint).toBe(tokenizer.fingerprint);
  });

  test('bytes: the class that takes tokenizer.json as it is', () => {
    const files = hfTokenizerFiles(new ByteTokenizer(), 64);
    expect([...files.keys()]).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    const config = JSON.parse(files.get('tokenizer_config.json')!) as Record<string, unknown>;
    expect(config['tokenizer_class']).toBe('PreTrainedTokenizerFast');
    expect(config['model_input_names']).toEqual(['input_ids', 'attention_mask']);
    expect(config).not.toHaveProperty('unk_token');
  });
});
