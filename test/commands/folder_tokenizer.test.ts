import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tokenizerOfFolder } from '../../src/commands/folder_tokenizer.js';
import { BYTE_SYMBOLS } from '../../src/tokenizer/byte_symbols.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-folder-tokenizer-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('end-of-text is what tokenizer_config.json says, and what gpt leaves out is told', () => {
  const special = (id: number, content: string) => ({ id, content, special: true });
  const json = {
    added_tokens: [special(256, '<a>'), special(257, '<b>')],
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
    truncation: { max_length: 8 },
    model: { type: 'BPE', vocab: Object.fromEntries(BYTE_SYMBOLS.map((symbol, id) => [symbol, id])), merges: [] },
  };
  writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(json));
  expect(tokenizerOfFolder(dir, 8).notes[0]).toMatch(/copied unread.*which of its special tokens/);
  writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify({ eos_token: '<b>' }));
  const { tokenizer, files, notes } = tokenizerOfFolder(dir, 8);
  expect(tokenizer?.eot).toBe(257);
  expect(JSON.parse(files.get('tokenizer_config.json')!)).toEqual({ eos_token: '<b>' });
  expect(notes).toEqual(['tokenizer.json: it truncates texts; gpt encodes all of a text']);
});
