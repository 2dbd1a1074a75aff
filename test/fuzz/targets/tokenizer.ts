// tokenizer.json of each kind. What is read must write text and give it back (where no step changes the text), and come back
// from its own toJson().

import { BYTE_SYMBOLS } from '../../../src/tokenizer/byte_symbols.js';
import { bpeJson, byteJson, charJson, GPT2_FORM, gpt1Json } from '../../../src/tokenizer/hf_json.js';
import { loadTokenizer, parseTokenizer } from '../../../src/tokenizer/load.js';
import { END_OF_TEXT } from '../../../src/tokenizer/tokenizer.js';
import { DEEP, nested } from '../mutate.js';
import { consistent, type Target } from '../target.js';

const TEXT = `the theme 12 👍 日本 't\n\n  ${END_OF_TEXT} then\u0000\ufeff`;

const MERGES = ['t h', 'th e', 'Ġ the', 'Ġ t', 'e n', 'ð Ł', 'Ġthe n'];
const bpe = (merges: readonly string[], more: readonly string[] = []): string => {
  const made = merges.map((merge) => merge.replace(' ', ''));
  const tokens = [...BYTE_SYMBOLS, ...made, ...more];
  return bpeJson([...tokens, END_OF_TEXT], merges, tokens.length);
};

/** Steps of other models. */
const stepped = (pattern: string, more: object = {}): string => {
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  const preTokenizer = { type: 'Sequence', pretokenizers: [split, { type: 'Digits', individual_digits: true }, bytes] };
  const made = MERGES.map((merge) => merge.replace(' ', ''));
  const tokens = [...BYTE_SYMBOLS, ...made];
  const form = {
    ...GPT2_FORM,
    normalizer: { type: 'NFC' },
    preTokenizer,
    endOfText: '</s>',
    ignoreMerges: true,
    ...more,
  };
  return bpeJson([...tokens, '</s>'], MERGES, tokens.length, form);
};
const PATTERN = String.raw`(?i:'s|'t|[ld]l)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s+(?!\S)|\s+`;

const gpt1 = (): string => {
  const form = {
    unknown: '<unk>',
    added: [],
    normalizer: { type: 'BertNormalizer', lowercase: true },
    preTokenizer: { type: 'BertPreTokenizer', cleaning: 'openai' },
  };
  return gpt1Json(['<unk>', 't', 'h', 't</w>', 'h</w>', 'th', '\n</w>'], ['t h'], form);
};

/** A valid file with something changed. */
const changed = (json: string, from: string, to: string): Buffer => Buffer.from(json.replace(from, () => to));

export const tokenizerTargets: readonly Target[] = [
  {
    name: 'tokenizer.json',
    file: 'tokenizer.json',
    text: true,
    seeds() {
      const pairs = JSON.parse(bpe(MERGES));
      pairs.model.merges = MERGES.map((merge) => merge.split(' '));
      pairs.added_tokens.push({ id: 300, content: '<|pad|>', special: true });
      const own = [bpe(MERGES), JSON.stringify(pairs, null, 1), byteJson(), charJson([...'abc é日👍\n'])];
      const bert = gpt1().replace(',"cleaning":"openai"', '');
      return [...own, stepped(PATTERN), gpt1(), bert].map((s) => Buffer.from(s));
    },
    hostile() {
      const json = bpe(MERGES);
      const spelled = [...END_OF_TEXT];
      const toEot = spelled.slice(1).map((c, i) => `${spelled.slice(0, i + 1).join('')} ${c}`);
      return [
        changed(json, '"!":', '"zz":16777216,"!":'), // an id far beyond the others
        changed(json, '"!":', '"zz":9007199254740991,"!":'),
        changed(json, '"!":', '"zz":1e999,"!":'),
        changed(json, '"!":', '"\\ud800":300,"!":'),
        changed(json, '"!":', '"__proto__":300,"!":'),
        changed(json, '"!":33', '"!":34'),
        changed(json, '"t h"', '"t h e"'),
        changed(json, '"t h"', '"th"'),
        changed(json, '"t h"', '"t h","t h"'),
        changed(json, '"t h"', Array(20_000).fill('"t h"').join()),
        changed(json, '"t h"', '["t","h","e"]'),
        changed(json, '"added_tokens":[', '"added_tokens":[{"id":300,"content":" ","special":true},'), // two tokens of one byte
        changed(json, '"added_tokens":[', '"added_tokens":[{"id":300,"content":"","special":true},'),
        changed(json, '"added_tokens":[', '"added_tokens":[{"id":65,"content":"th","special":true},'),
        changed(json, '"truncation":null', '"truncation":{"max_length":8}'),
        changed(json, '"post_processor":{', '"post_processor":{"type":"Sequence","processors":[]},"w":{'),
        changed(json, '"vocab":{', `"vocab":${nested('{"a":', '0', '}', DEEP)},"w":{`),
        changed(json, '"merges":[', `"merges":${nested('[', '0', ']', DEEP)},"w":[`),
        changed(json, '"normalizer":null', `"normalizer":{"type":${nested('[', '', ']', DEEP)}}`),
        changed(json, '"vocab":{', '"vocab":[],"w":{'),
        changed(charJson(['a', 'b']), '"a":0', '"a":1000000'),
        changed(charJson(['a', 'b']), '"a":0', '"\\ud800":0'),
        changed(charJson(['a', 'b']), '"a":0', '"":0'),
        changed(charJson(['a', 'b']), `,"${END_OF_TEXT}":2`, `,"${END_OF_TEXT}":0`),
        Buffer.from(charJson([])),
        // merges that would let a text forge the end of a document
        Buffer.from(
          bpe(
            [],
            toEot.slice(0, -1).map((m) => m.replace(' ', '')),
          ).replace('"merges":[]', () => `"merges":${JSON.stringify(toEot)}`),
        ),
        Buffer.from(stepped('('.repeat(100_000))),
        Buffer.from(stepped('['.repeat(100_000))),
        Buffer.from(stepped('(?i)'.repeat(10_000))),
        Buffer.from(stepped('a{1,999999999}{1,999999999}')),
        Buffer.from(stepped('|')),
        Buffer.from(stepped('\\p{__proto__}|\\p{constructor}')),
        Buffer.from(
          stepped(PATTERN, { normalizer: JSON.parse(nested('{"type":"Sequence","normalizers":[', '', ']}', 50)) }),
        ),
        changed(gpt1(), '"unk_token":"<unk>"', '"unk_token":"zz"'),
        changed(gpt1(), '"unk_token":"<unk>"', '"unk_token":null'),
        changed(gpt1(), '["t h"]', '["t h","<unk> t"]'),
        Buffer.from(nested('[', '', ']', DEEP)),
        Buffer.from('null'),
        Buffer.from('"'),
        Buffer.alloc(0),
        Buffer.from('\ufeff{}'),
      ];
    },
    dictionary: [
      '"BPE"',
      '"ByteLevel"',
      '"vocab"',
      '"merges"',
      '"Ġ"',
      '"Ġ t"',
      '"t"',
      '" "',
      `"${END_OF_TEXT}"`,
      '"added_tokens"',
      '"Split"',
      '"Isolated"',
      '"MergedWithNext"',
      '"Regex"',
      '"NFKC"',
      '"special":false',
      '"ignore_merges":true',
      '</w>',
      '\\\\p{L}',
      '(?i:',
      '++',
    ],
    slack: 2 ** 18, // the cache of merged pieces starts with 1024 slots
    async read(path) {
      const tokenizer = await loadTokenizer(path);
      const { vocabSize, eot, type } = tokenizer;
      // A character tokenizer writes its own characters only.
      const all = Array.from({ length: vocabSize }, (_, id) => id).filter((id) => id !== eot);
      const text = type === 'char' ? tokenizer.decode(all) : TEXT;
      const ids = tokenizer.encode(text);
      const isGpt1 = type === 'gpt1-bpe'; // has <unk> for end-of-text
      consistent(
        ids.every((id) => id >= 0 && id < vocabSize && (isGpt1 || id !== eot)),
        `encode() gives [${ids}]`,
      );
      const { normalizer, pre_tokenizer } = JSON.parse(tokenizer.toJson());
      const keeps = !isGpt1 && !normalizer && (!pre_tokenizer || pre_tokenizer.add_prefix_space === false);
      const back = tokenizer.decode(ids);
      consistent(!keeps || back === text, `decode(encode()) gives ${JSON.stringify(back)}`);
      tokenizer.decode(all);
      const again = parseTokenizer(tokenizer.toJson(), path);
      consistent(again.fingerprint === tokenizer.fingerprint, 'toJson() reads as another tokenizer');
    },
  },
];
