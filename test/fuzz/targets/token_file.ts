// Token shards: ours, which are llm.c's, with 16 and 32 bits, and nanoGPT's without a header.

import { openTokenFile } from '../../../src/data/token_file.js';
import { consistent, type Target } from '../target.js';

const VOCAB_SIZE = 70_000;
const HEADER_INTS = 256;

/** A shard of llm.c's. count: what the header says, where it lies. */
function shard(width: 2 | 4, ids: readonly number[], count = ids.length): Buffer {
  const header = new Int32Array(HEADER_INTS);
  header.set(width === 2 ? [20240520, 1, count] : [20240801, 7, count]);
  const tokens = width === 2 ? Uint16Array.from(ids) : Uint32Array.from(ids);
  return Buffer.concat([new Uint8Array(header.buffer), new Uint8Array(tokens.buffer)]);
}

const IDS = [0, 1, 2, 50256, 65535, 7, 300, 12, 99];

function target(name: string, seeds: readonly Buffer[], hostile: readonly Buffer[]): Target {
  return {
    name,
    file: 'case.bin',
    text: false,
    seeds: () => seeds,
    hostile: () => [Buffer.alloc(0), Buffer.alloc(1), Buffer.alloc(12), Buffer.alloc(1024), ...hostile],
    read(path) {
      const source = openTokenFile(path, VOCAB_SIZE);
      try {
        const ids = source.read(0, source.length);
        consistent(ids.length === source.length, `${ids.length} ids of ${source.length}`);
        consistent(
          ids.every((id) => id >= 0 && id < VOCAB_SIZE),
          'an id outside the vocabulary',
        );
        if (source.length > 1) consistent(source.read(1, 1)[0] === ids[1], 'another id at position 1');
      } finally {
        source.close();
      }
    },
  };
}

const counts = [-1, -(2 ** 31), 2 ** 31 - 1, 8, 10, 0];

export const tokenFileTargets: readonly Target[] = [
  target(
    'shard uint16',
    [shard(2, IDS), shard(2, []), shard(2, Array(200).fill(5))],
    [...counts.map((count) => shard(2, IDS, count)), shard(2, IDS).subarray(0, 11), shard(2, IDS).subarray(0, 1025)],
  ),
  target(
    'shard uint32',
    [shard(4, IDS), shard(4, [69_999]), shard(4, Array(100).fill(65_536))],
    [...counts.map((count) => shard(4, IDS, count)), shard(4, [2 ** 32 - 1]), shard(4, [2 ** 31])],
  ),
  target(
    'shard nanoGPT',
    [Buffer.from(Uint16Array.from(IDS).buffer), Buffer.from(new Uint16Array(600).buffer)],
    [Buffer.from('a text, not tokens.'), shard(2, IDS).subarray(0, 1026)],
  ),
];
