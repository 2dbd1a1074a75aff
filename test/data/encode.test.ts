// Encoding on several threads. Threads need JavaScript: these tests use dist/, which npm test builds first.

import { describe, expect, test } from 'vitest';
import type * as Encode from '../../src/data/encode.js';
import type * as Gpt2 from '../../src/tokenizer/gpt2.js';
import type * as Load from '../../src/tokenizer/load.js';
import type { Tokenizer } from '../../src/tokenizer/tokenizer.js';

const dist = <T>(name: string): Promise<T> => import(new URL(`../../dist/${name}.js`, import.meta.url).pathname);
const { encodeAll, encodingThreads } = await dist<typeof Encode>('data/encode');
const { gpt2Tokenizer } = await dist<typeof Gpt2>('tokenizer/gpt2');
const { createTokenizer } = await dist<typeof Load>('tokenizer/load');

type Piece = Encode.Piece & { readonly n: number };

/** Pieces of many lengths: letters of several scripts, empty ones, and one of more than a job. */
async function* pieces(count: number, broken = -1): AsyncGenerator<Piece> {
  for (let n = 0; n < count; n++) {
    if (n === broken) throw new Error('the disk is gone');
    const text = n % 7 === 0 ? '' : ` ${n} owls, 二 foxes 👍 & co.\n`.repeat((n * 7919) % 60);
    yield { file: `file-${n % 3}.txt`, text: n === 50 ? text.repeat(400) : text, end: n % 2 === 0, n };
  }
}

async function all(source: AsyncIterable<Piece>, tokenizer: Tokenizer, threads: number) {
  const seen: number[] = [];
  const ids: number[] = [];
  for await (const { piece, tokens } of encodeAll(source, tokenizer, { threads, alone: 1000 })) {
    seen.push(piece.n);
    for (const id of tokens) ids.push(id);
  }
  return { seen, ids };
}

test.each(['byte', 'gpt2'])('%s: the ids and the order are those of one thread, and of encode()', async (name) => {
  const tokenizer = name === 'gpt2' ? await gpt2Tokenizer() : await createTokenizer({ type: 'byte' }, never);
  const [one, three] = [await all(pieces(400), tokenizer, 1), await all(pieces(400), tokenizer, 3)];
  expect(three.seen).toEqual(Array.from({ length: 400 }, (_, n) => n));
  expect(three.ids.length).toBeGreaterThan(200_000);
  expect(Buffer.from(Int32Array.from(three.ids).buffer).equals(Buffer.from(Int32Array.from(one.ids).buffer))).toBe(
    true,
  );
  const expected: number[] = [];
  for await (const { text, end } of pieces(30))
    expected.push(...tokenizer.encode(text), ...(end ? [tokenizer.eot] : []));
  expect(one.ids.slice(0, expected.length)).toEqual(expected);
});

const never = (): never => {
  throw new Error('no corpus');
};

describe('what goes wrong', () => {
  const chars = () =>
    createTokenizer({ type: 'char' }, async function* () {
      yield ' 0123456789owls,foxes&co.\n二👍';
    });

  test('a text that cannot be encoded: the error of one thread, with the file', async () => {
    async function* withBad(): AsyncGenerator<Piece> {
      yield* pieces(100);
      yield { file: 'bad.txt', text: 'Zebra', end: true, n: 100 };
      yield* pieces(100);
    }
    const tokenizer = await chars();
    for (const threads of [1, 2]) {
      await expect(all(withBad(), tokenizer, threads)).rejects.toMatchObject({
        exitCode: 4,
        message: expect.stringMatching(/^bad\.txt: the character "Z"/),
      });
    }
  });

  test('a source that fails, and a consumer that has enough: no thread is left', async () => {
    const tokenizer = await chars();
    await expect(all(pieces(400, 399), tokenizer, 2)).rejects.toThrow('the disk is gone');
    let taken = 0;
    for await (const _ of encodeAll(pieces(400), tokenizer, { threads: 2, alone: 0 })) if (++taken === 60) break;
    expect(taken).toBe(60);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker')).toEqual([]);
  });
});

test('threads are bounded', () => {
  expect([0, 1, 2, 200].map(encodingThreads)).toEqual([1, 1, 2, 16]);
});
