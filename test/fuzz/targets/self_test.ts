// A reader with every fault that the fuzzer looks for: the test that it finds them. Not among the formats; its file's
// text says what goes wrong.

import { DataError } from '../../../src/base/errors.js';
import { readText } from '../../../src/base/files.js';
import type { Target } from '../target.js';

const FAULTS: Readonly<Record<string, (path: string) => unknown>> = {
  nothing: () => undefined,
  refused: (path) => {
    throw new DataError(`${path} is damaged`, 'copy it again');
  },
  exception: () => {
    throw new TypeError('cannot read properties of undefined');
  },
  'no fix': (path) => {
    throw new DataError(`${path} is damaged`, '');
  },
  'no name': () => {
    throw new DataError('the file is damaged', 'copy it again');
  },
  'long message': (path) => {
    throw new DataError(`${path} holds ${'x'.repeat(20_000)}`, 'copy it again');
  },
  'large array': () => new Float32Array(2 ** 20),
  'impossible array': () => new ArrayBuffer(2 ** 60),
  'long list': () => new Array(2 ** 21).fill(0),
  crash: () => process.abort(),
  'full heap': () => {
    const all: number[][] = [];
    for (;;) all.push(new Array(2 ** 20).fill(0.5));
  },
  hang: () => {
    for (;;);
  },
  'late exception': async () => {
    setTimeout(() => {
      throw new Error('nobody waits for this');
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
  },
};

export const selfTest: Target = {
  name: 'self-test',
  file: 'case.txt',
  text: true,
  seeds: () => [Buffer.from('nothing')],
  hostile: () => Object.keys(FAULTS).map((fault) => Buffer.from(fault)),
  read: (path) => FAULTS[readText(path)]?.(path),
};
