import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../src/base/errors.js';
import { ByteTokenizer } from '../../src/tokenizer/byte.js';
import { CharVocabulary } from '../../src/tokenizer/char.js';
import { gpt2Tokenizer } from '../../src/tokenizer/gpt2.js';
import { createTokenizer, loadTokenizer, parseTokenizer } from '../../src/tokenizer/load.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { oddStrings } from './odd_strings.js';

const dir = mkdtempSync(join(tmpdir(), 'gpt-tokenizer-'));
afterAll(() => rmSync(dir, { recursive: true }));

const TEXT = 'To be, or not to be: 7 žluťoučký 👍 \u0000 __proto__ 日本\n';
function charTokenizer(...chunks: string[]): Tokenizer {
  const vocabulary = new CharVocabulary();
  for (const chunk of chunks) vocabulary.add(chunk);
  return vocabulary.tokenizer();
}
const kinds: [string, () => Promise<Tokenizer>][] = [
  ['byte', async () => new ByteTokenizer()],
  ['char', async () => charTokenizer(TEXT)],
  ['bpe', gpt2Tokenizer],
];

describe.each(kinds)('%s tokenizer', (type, make) => {
  test('gives back text, and knows its end-of-text', async () => {
    const t = await make();
    expect(t.type).toBe(type);
    expect(t.decode(t.encode(TEXT))).toBe(TEXT);
    expect(t.eot).toBe(t.vocabSize - 1);
    expect(t.decode([t.eot])).toBe('<|endoftext|>');
    const ids = t.encode(TEXT);
    expect(ids.every((id) => id >= 0 && id < t.eot)).toBe(true);
  });

  test('streams whole characters', async () => {
    const t = await make();
    const stream = t.streamDecoder();
    const pushed = [...t.encode('👍日b')].map((id) => stream.push(id)).concat(stream.end());
    expect(pushed.join('')).toBe('👍日b');
    expect(pushed.some((text) => text.includes('\uFFFD'))).toBe(false);
  });

  test('is the same after writing and reading tokenizer.json, from a file or a folder', async () => {
    const t = await make();
    writeFileSync(join(dir, 'tokenizer.json'), t.toJson());
    for (const path of [dir, join(dir, 'tokenizer.json')]) {
      const back = await loadTokenizer(path);
      expect([back.type, back.vocabSize, back.eot]).toEqual([t.type, t.vocabSize, t.eot]);
      expect(back.fingerprint).toBe(t.fingerprint);
      expect(back.encode(TEXT)).toEqual(t.encode(TEXT));
      expect(back.toJson()).toBe(t.toJson());
    }
  });
});

test('fingerprints tell vocabularies apart', async () => {
  const all = [new ByteTokenizer(), charTokenizer('ab'), charTokenizer('abc'), await gpt2Tokenizer()];
  expect(new Set(all.map((t) => t.fingerprint)).size).toBe(4);
});

describe('byte', () => {
  test('ids are bytes', () => {
    const t = new ByteTokenizer();
    expect([...t.encode('aé\ud800')]).toEqual([97, 0xc3, 0xa9, 0xef, 0xbf, 0xbd]);
    expect(t.decode([0xf0, 0x9f, 97])).toBe('\uFFFDa');
    expect(t.decode(t.encode('\uFEFFa'))).toBe('\uFEFFa');
    const stream = t.streamDecoder();
    expect([...Buffer.from('€')].map((b) => stream.push(b))).toEqual(['', '', '€']);
    stream.push(0xe2);
    expect(stream.end()).toBe('\uFFFD');
  });
});

describe('char', () => {
  test('ids follow code points, however the corpus was cut', () => {
    const t = charTokenizer('b👍', 'a日b');
    expect(t.decode([0, 1, 2, 3])).toBe('ab日👍');
    expect(charTokenizer('👍日ab').fingerprint).toBe(t.fingerprint);
  });

  test('names the character that it lacks', () => {
    expect(() => charTokenizer('abc').encode('abcé')).toThrow(/"é" \(U\+00E9\) is not among the 3/);
    expect(() => new CharVocabulary().tokenizer()).toThrow(DataError);
  });
});

describe('createTokenizer', () => {
  async function* corpus(): AsyncGenerator<string> {
    yield 'hel';
    yield 'lo';
  }
  const none = (): AsyncIterable<string> => {
    throw new Error('the corpus was read');
  };

  test('builds each type', async () => {
    expect((await createTokenizer({ type: 'byte' }, none)).vocabSize).toBe(257);
    expect((await createTokenizer({ type: 'gpt2-bpe' }, none)).vocabSize).toBe(50257);
    expect((await createTokenizer({ type: 'char' }, corpus)).vocabSize).toBe(5);
    writeFileSync(join(dir, 'byte.json'), new ByteTokenizer().toJson());
    expect((await createTokenizer({ type: 'file', path: join(dir, 'byte.json') }, none)).type).toBe('byte');
  });

  test('says what is not there', async () => {
    const gpt1 = createTokenizer({ type: 'gpt1-bpe' }, none);
    await expect(gpt1).rejects.toThrow(ConfigError);
    await expect(gpt1).rejects.toMatchObject({ fix: expect.stringContaining('encoder_bpe_40000.json') });
    writeFileSync(join(dir, 'byte.json'), new ByteTokenizer().toJson());
    const other = createTokenizer({ type: 'gpt1-bpe', path: join(dir, 'byte.json') }, none);
    await expect(other).rejects.toThrow(/byte\.json is a byte tokenizer, and tokenizer\.type is gpt1-bpe/);
    await expect(createTokenizer({ type: 'file' }, none)).rejects.toThrow(ConfigError);
    await expect(loadTokenizer(join(dir, 'nowhere'))).rejects.toThrow(/nowhere: there is no such file/);
    mkdirSync(join(dir, 'without'));
    await expect(loadTokenizer(join(dir, 'without'))).rejects.toMatchObject({
      message: `${join(dir, 'without', 'tokenizer.json')}: there is no such file`,
      fix: expect.stringContaining("put the model's tokenizer.json there"),
    });
    await expect(loadTokenizer('package.json/x')).rejects.toThrow('cannot read package.json/x: a part of the path is');
  });
});

test.each([600 << 20, 3 * 2 ** 30])('a tokenizer.json of %d bytes is not read', async (size) => {
  const path = join(dir, 'huge.json');
  writeFileSync(path, '{');
  truncateSync(path, size);
  await expect(loadTokenizer(path)).rejects.toThrow(`${path} has ${size} bytes`);
  await expect(loadTokenizer(path)).rejects.toThrow(DataError);
});

// biome-ignore lint/suspicious/noExplicitAny: the patches reach into JSON
type Patch = (json: any) => void;

describe('reading the tokenizer.json of others', () => {
  // GPT-2's first thousand merges: what is wrong with a file does not depend on its size.
  const gpt2Json = gpt2Tokenizer().then((t) => {
    const json = JSON.parse(t.toJson());
    const tokens = Object.entries<number>(json.model.vocab).filter(([, id]) => id < 1256);
    json.model.vocab = Object.fromEntries([...tokens, ['<|endoftext|>', 1256]]);
    json.model.merges = json.model.merges.slice(0, 1000);
    json.added_tokens[0].id = 1256;
    return json;
  });
  const small = async (): Promise<Tokenizer> => parseTokenizer(JSON.stringify(await gpt2Json), 'small.json');
  const patched = async (patch: Patch): Promise<Tokenizer> => {
    const json = structuredClone(await gpt2Json);
    patch(json);
    return parseTokenizer(JSON.stringify(json), 'other.json');
  };
  const PATTERN = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

  test('accepts merges as pairs, the pattern spelled out, and further special tokens', async () => {
    const gpt2 = await small();
    const t = await patched((json) => {
      json.model.merges = json.model.merges.map((merge: string) => merge.split(' '));
      json.pre_tokenizer = {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: PATTERN }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      };
      json.added_tokens.push({ id: 1257, content: '<|pad|>', special: true });
    });
    expect([t.vocabSize, t.eot, t.decode([1257])]).toEqual([1258, 1256, '<|pad|>']);
    expect(oddStrings(500, 5).filter((s) => t.encode(s).join() !== gpt2.encode(s).join())).toEqual([]);
  });

  test('accepts post-processors that add no token', async () => {
    const template = {
      type: 'TemplateProcessing',
      single: [{ Sequence: { id: 'A', type_id: 0 } }],
      special_tokens: {},
    };
    const bytes = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false };
    for (const step of [null, bytes, template, { type: 'Sequence', processors: [bytes, template] }]) {
      const t = await patched((json) => {
        json.post_processor = step;
      });
      expect(t.notes).toEqual([]);
    }
  });

  test('encodes without what a post-processor, truncation and padding add, and says so', async () => {
    const gpt2 = await small();
    const single = [{ SpecialToken: { id: '<|endoftext|>' } }, { Sequence: { id: 'A' } }];
    const steps = [
      { type: 'Sequence', processors: [{ type: 'TemplateProcessing', single }] }, // as Llama 3's
      { type: 'RobertaProcessing', sep: ['</s>', 2], cls: ['<s>', 0] },
    ];
    for (const post_processor of steps) {
      const t = await patched((json) => {
        Object.assign(json, { post_processor, truncation: { max_length: 2 }, padding: { strategy: 'BatchLongest' } });
      });
      expect(t.encode(TEXT)).toEqual(gpt2.encode(TEXT));
      expect(t.notes).toEqual([
        `its post-processor (${post_processor.type}) adds tokens to a text; gpt encodes without them`,
        'it truncates texts; gpt encodes all of a text',
        'it pads texts; gpt encodes without padding',
      ]);
      expect(JSON.parse(t.toJson())).toMatchObject({
        post_processor: { type: 'ByteLevel' }, // the ids that a model of gpt was trained with
        truncation: null,
        padding: null,
      });
    }
  });

  test('finds added tokens that are not special in a text, and no special ones', async () => {
    const t = await patched((json) => {
      json.added_tokens.push({ id: 1257, content: '<user>', special: false });
      json.added_tokens.push({ id: 1258, content: '<user', special: false });
      json.added_tokens.push({ id: 1259, content: '<pad>', special: true });
    });
    const gpt2 = await small();
    const ids = (text: string) => [...gpt2.encode(text)];
    expect([...t.encode('a<user> b<userx<pad>')]).toEqual([...ids('a'), 1257, ...ids(' b'), 1258, ...ids('x<pad>')]);
    expect(t.decode(t.encode('a<user> b'))).toBe('a<user> b');
  });

  describe('end-of-text', () => {
    const renamed = (...names: string[]): Promise<string> =>
      gpt2Json.then((json) => {
        const copy = structuredClone(json);
        delete copy.model.vocab['<|endoftext|>'];
        copy.added_tokens = names.map((content, i) => ({ id: 1256 + i, content, special: true }));
        return JSON.stringify(copy);
      });

    test.each([
      [['<|begin_of_text|>', '<|end_of_text|>'], undefined, '<|end_of_text|>'],
      [['<s>', '<pad>', '</s>'], undefined, '</s>'],
      [['<|im_end|>', '<|endoftext|>'], undefined, '<|endoftext|>'],
      [['<|im_end|>', '<|endoftext|>'], '<|im_end|>', '<|im_end|>'],
      [['<the end>', '</s>'], '<the end>', '<the end>'],
      [['</s>'], '<not there>', '</s>'],
      [['<only one>'], undefined, '<only one>'],
    ])('of %j, eos_token %s, is %s', async (names, eosToken, name) => {
      const t = parseTokenizer(await renamed(...names), 'x.json', eosToken);
      expect(t.decode([t.eot])).toBe(name);
      const again = parseTokenizer(t.toJson(), 'x.json');
      expect([again.eot, again.fingerprint]).toEqual([t.eot, t.fingerprint]);
      expect(t.encode(`a${name}`).includes(t.eot)).toBe(false);
    });

    test('is what a file beside says', async () => {
      const folder = join(dir, 'beside');
      mkdirSync(folder);
      writeFileSync(join(folder, 'tokenizer.json'), await renamed('<|im_end|>', '<|endoftext|>', '<x>'));
      const name = async (): Promise<string> => {
        const t = await loadTokenizer(folder);
        return t.decode([t.eot]);
      };
      expect(await name()).toBe('<|endoftext|>');
      writeFileSync(join(folder, 'special_tokens_map.json'), '{"eos_token":{"content":"<x>","lstrip":false}}');
      expect(await name()).toBe('<x>');
      writeFileSync(join(folder, 'tokenizer_config.json'), '{"eos_token":"<|im_end|>"}');
      expect(await name()).toBe('<|im_end|>');
      writeFileSync(join(folder, 'tokenizer_config.json'), '{"eos_token":');
      await expect(name()).rejects.toThrow(/tokenizer_config\.json: not JSON/);
    });

    test('is not guessed', async () => {
      const json = await renamed('<a>', '<b>');
      expect(() => parseTokenizer(json, 'x.json')).toThrow(
        /x\.json: which of its special tokens is the end of a text\? \(<a> <b>\)/,
      );
    });
  });

  test.each<[string, Patch, RegExp]>([
    [
      'another model',
      (j) => {
        j.model.type = 'WordPiece';
      },
      /not a plain byte-level BPE \(type WordPiece\)/,
    ],
    [
      'another suffix',
      (j) => {
        j.model.end_of_word_suffix = '@@';
      },
      /not a plain/,
    ],
    [
      "GPT-1's suffix",
      (j) => {
        j.model.end_of_word_suffix = '</w>';
      },
      /it has no unk_token/,
    ],
    [
      'a normalizer',
      (j) => {
        j.normalizer = { type: 'Precompiled' };
      },
      /a normalizer that gpt does not know \(Precompiled\)/,
    ],
    [
      'another pre-tokenizer',
      (j) => {
        j.pre_tokenizer = { type: 'Whitespace' };
      },
      /pre-tokenizer \(Whitespace\) is not byte-level/,
    ],
    [
      'no pre-tokenizer',
      (j) => {
        j.pre_tokenizer = null;
      },
      /is not one character/,
    ],
    [
      'no end-of-text',
      (j) => {
        j.added_tokens = [];
        delete j.model.vocab['<|endoftext|>'];
      },
      /no <\|endoftext\|> token, nor another special token/,
    ],
    [
      'a pattern that JavaScript has no like of',
      (j) => {
        const split = { type: 'Split', pattern: { Regex: '(a)\\1' }, behavior: 'Isolated' };
        j.pre_tokenizer = { type: 'Sequence', pretokenizers: [split, j.pre_tokenizer] };
      },
      /its pattern "\(a\).*1" cannot be used: gpt does not know \\1/,
    ],
    [
      'a step without what belongs to it',
      (j) => {
        j.pre_tokenizer = {
          type: 'Sequence',
          pretokenizers: [{ type: 'Split', behavior: 'Isolated' }, j.pre_tokenizer],
        };
      },
      /its step Split has no usable pattern/,
    ],
    [
      'a pre-tokenizer that drops text',
      (j) => {
        const split = { type: 'Split', pattern: { String: ' ' }, behavior: 'Removed' };
        j.pre_tokenizer = { type: 'Sequence', pretokenizers: [split, j.pre_tokenizer] };
      },
      /its pre-tokenizer removes text/,
    ],
    [
      'an added token that eats the space around it',
      (j) => {
        j.added_tokens.push({ id: 1257, content: '<x>', special: false, lstrip: true });
      },
      /the added token "<x>" is not special and has lstrip/,
    ],
    [
      'a stray merge',
      (j) => {
        j.model.merges.push('Ġzz zzzq');
      },
      /^other\.json: merges\[1000\] "Ġzz zzzq" names "Ġzz", a token that the vocabulary lacks$/,
    ],
    [
      'a missing byte',
      (j) => {
        j.model.merges = [];
        delete j.model.vocab['!'];
      },
      /^other\.json: the BPE vocabulary has no token for byte 33/,
    ],
    [
      'an id twice',
      (j) => {
        j.model.vocab['!'] = 1;
      },
      /id 1 belongs to two tokens/,
    ],
    [
      'a wrong id',
      (j) => {
        j.model.vocab['!'] = -1;
      },
      /"!" has the id -1/,
    ],
    [
      'an id far beyond the others',
      (j) => {
        j.model.vocab['zz'] = 2 ** 24;
      },
      /"zz" has the id 16777216, with 125\d tokens in all/,
    ],
    [
      'a token with two ids',
      (j) => {
        j.added_tokens.push({ id: 1257, content: 'the' });
      },
      /"the" has two ids/,
    ],
    [
      'a merge that makes no token',
      (j) => {
        j.model.merges[7] = ['Ġ', 'zzz'];
      },
      /^other\.json: merges\[7\] \["Ġ","zzz"\] names "zzz", a token that the vocabulary lacks$/,
    ],
    [
      'a merge of three parts',
      (j) => {
        j.model.merges[0] = 'Ġ t h';
      },
      /^other\.json: merges\[0\] "Ġ t h" is not two tokens$/,
    ],
    [
      'a merge twice',
      (j) => {
        j.model.merges.push(j.model.merges[0]);
      },
      /merges\[1000\] "Ġ t" is given twice/,
    ],
    [
      'merges that make end-of-text of a text',
      (j) => {
        j.model.vocab['<|endoftext|'] = 1257;
        j.model.merges.push('<|endoftext| >');
      },
      /makes an added token/,
    ],
    [
      'no model',
      (j) => {
        delete j.model;
      },
      /not a tokenizer.json: model/,
    ],
  ])('refuses %s', async (_, patch, message) => {
    await expect(patched(patch)).rejects.toThrow(message);
    await expect(patched(patch)).rejects.toThrow(DataError);
  });

  test.each([
    [
      'no characters',
      charTokenizer('a')
        .toJson()
        .replace(/"vocab":\{"a":0,("[^"]+"):1/, '"vocab":{$1:0')
        .replace('"id":1', '"id":0'),
      /x\.json: it has no pre-tokenizer and is not a character tokenizer/,
    ],
    [
      'half a surrogate pair',
      charTokenizer('a').toJson().replace('"a":0', '"\\ud800":0'),
      /x\.json: "\\ud800" is not one character/,
    ],
    ['an id far beyond the others', charTokenizer('a').toJson().replace('"a":0', '"a":1000000'), /has the id 1000000/],
  ])('refuses a character tokenizer with %s', (_, json, message) => {
    expect(() => parseTokenizer(json, 'x.json')).toThrow(message);
    expect(() => parseTokenizer(json, 'x.json')).toThrow(DataError);
  });

  test('refuses what is no JSON', () => {
    expect(() => parseTokenizer('{', 'x.json')).toThrow(/x\.json: not JSON/);
  });
});
